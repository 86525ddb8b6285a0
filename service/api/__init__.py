"""The API: what a request may say, which model answers it, and how the answer is written."""
