"""Predictions for files of any size: read, batch, predict, write in order, resume."""
