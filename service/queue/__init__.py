"""Queues with dynamic batching. Knows neither HTTP nor a task."""
