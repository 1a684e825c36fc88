"""Learners fit on the training part of a split and predict one score per video."""
