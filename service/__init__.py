"""HTTP in and out over BentoML: queues, batches, limits, metrics. No tensor, no torch."""
