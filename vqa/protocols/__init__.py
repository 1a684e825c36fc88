"""Protocols: functions that divide a database into training, validation and test parts.

A protocol is a function `(database, **options) -> list[Split]`. Random choices depend only on the
ids, the contents and the seed: a split changes neither with the MOS nor with the order of the
records, and split k is the same for every number of splits. The one exception is `videval`, which
goes by rows, as published.

By default all videos of a content stay in one part (`group_by="content"`). Much of the literature
uses `group_by="video"`, which lets a model see the test scenes in training; the log reports that.
If contents have several videos, the log also reports how many test videos would have leaked in a
split by video (`leak_report`).
"""

from vqa.protocols.fixed import full, official
from vqa.protocols.folds import kfold, leave_one_content_out
from vqa.protocols.imported_files import imported
from vqa.protocols.leaks import leak_report
from vqa.protocols.row_splits import videval
from vqa.protocols.shuffled import holdout, repeated
from vqa.protocols.splits import Split, SplitError, read_split, write_split, write_splits_csv

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
