"""Evaluation of bundles through the serving runtime. Imports neither torch nor HTTP."""
