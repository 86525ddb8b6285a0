"""What the HTTP server costs beside the runtime, and how it behaves under load."""
