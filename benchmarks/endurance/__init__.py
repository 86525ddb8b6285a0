"""The server over minutes and under faults, and bulk prediction of large files."""
