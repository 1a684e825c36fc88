"""Splits as data: which videos train, which select, which test.

A protocol is a function `(database, **options) -> list[Split]`. Every random choice depends on the
ids, contents and seed alone: neither MOS nor the order of the records changes a split (`videval`
alone goes by rows, as published), and split k is the same whatever the count. By default videos of
one content stay on one side (`group_by="content"`); `group_by="video"`, which much of the
literature uses, lets the model meet the test scenes in training and says so in the log. Where
contents repeat, the log also says what a split by video would have leaked (`leak_report`).
"""

from vqa.protocols.fixed import full, official
from vqa.protocols.folds import kfold, leave_one_content_out
from vqa.protocols.imported_files import imported
from vqa.protocols.leaks import leak_report
from vqa.protocols.shuffled import holdout, repeated
from vqa.protocols.splits import Split, SplitError, read_split, write_split, write_splits_csv
from vqa.protocols.videval import videval

__all__ = [
    "Split",
    "SplitError",
    "full",
    "holdout",
    "imported",
    "kfold",
    "leak_report",
    "leave_one_content_out",
    "official",
    "read_split",
    "repeated",
    "videval",
    "write_split",
    "write_splits_csv",
]
