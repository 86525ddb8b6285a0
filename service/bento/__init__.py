"""The BentoML services: the only package that imports bentoml and holds module-level state."""
