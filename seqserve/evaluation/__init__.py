"""What a bundle's answers are worth, measured through the runtime; knows no torch and no HTTP."""
