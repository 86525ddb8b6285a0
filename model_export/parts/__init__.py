"""From a trained model to the parts of a bundle."""
