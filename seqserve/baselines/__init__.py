"""Baselines: simple methods on the data of a recipe. Imports neither torch nor a bundle."""
