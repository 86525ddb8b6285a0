"""Model cards, and rewriting what a bundle says of itself."""
