"""The HTTP service on BentoML: API, queues, engines, processes, telemetry. It does not import torch."""
