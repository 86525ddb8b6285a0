"""The supervisor, its worker processes, and their heartbeats."""
