"""Figures of the pages, as matplotlib figures without pyplot; `vqa.reports.svg` writes them."""

from vqa.reports.figures.cost import accuracy_over_seconds
from vqa.reports.figures.distribution import before_and_after, changes, scores_beside_opinions
from vqa.reports.figures.heat import heat_map
from vqa.reports.figures.intervals import ranking, split_intervals
from vqa.reports.figures.marking import mark
from vqa.reports.figures.scatters import mapped_scores, residuals, scatter, thinned
from vqa.reports.figures.timelines import learning_curves, timeline

__all__ = [
    "accuracy_over_seconds",
    "before_and_after",
    "changes",
    "heat_map",
    "learning_curves",
    "mapped_scores",
    "mark",
    "ranking",
    "residuals",
    "scatter",
    "scores_beside_opinions",
    "split_intervals",
    "thinned",
    "timeline",
]
