"""Learners: `fit`, `predict`, `save`, `load` over views of a split."""
