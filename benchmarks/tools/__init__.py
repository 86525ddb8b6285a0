"""Timing, the machine, processes under test, records and verdicts."""
