"""Files that are translated as a whole: the same file comes out, with other text in it."""
