"""What a user would try first: baselines on the recipes' own data, without torch and without a bundle."""
