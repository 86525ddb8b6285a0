"""From data sets to checkpoints: one loop for all tasks, one short file per task. No onnxruntime, no HTTP."""
