"""The data sets on disk and where they come from: what is there, whether it is whole, what a recipe lacks."""
