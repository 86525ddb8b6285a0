"""Text and ids: the only pre- and post-processing there is; training and serving import the same functions."""
