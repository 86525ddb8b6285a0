"""Data sets on disk and their origins: inventory, checksums, files that a recipe needs, download."""
