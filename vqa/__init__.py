"""No-reference video quality assessment: train, evaluate and apply, under one honest protocol."""

__version__ = "0.1.0"
