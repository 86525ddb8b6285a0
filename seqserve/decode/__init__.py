"""Decoding: arrays in, arrays out; knows no model, no tokenizer, no HTTP."""
