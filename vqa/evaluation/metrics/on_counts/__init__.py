"""Metrics as functions of resample counts.

A resample of N videos is a row of counts `(N,)` that says how often each video was drawn. On counts
a thousand resamples are a few matrix products. A metric with such a form gets bootstrap intervals,
and models can be ranked by it.
"""

from vqa.evaluation.metrics.on_counts.forms import Counts, Form, OnCounts, Sums

__all__ = ["Counts", "Form", "OnCounts", "Sums"]
