"""Quantization to int8: calibration, equalisation, weights."""
