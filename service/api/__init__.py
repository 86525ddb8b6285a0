"""The API: the core that answers requests, the dialects in front of it, and its documentation."""
