"""The server over minutes and under faults."""
