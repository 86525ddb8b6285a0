"""The APIs that the server speaks: one file per dialect, each a translation to and from core.py."""
