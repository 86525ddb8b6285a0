"""Personal data that rules recognise: addresses and numbers with a form of their own. Names take a model."""
