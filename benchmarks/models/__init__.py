"""Models in process, compared with peers."""
