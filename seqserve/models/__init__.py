"""The torch architectures, one a file, each with its frozen config on top."""
