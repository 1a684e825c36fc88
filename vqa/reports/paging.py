"""Long tables in pages: a reader sees some rows, the browser has the others as data.

A hundred thousand rows of HTML take a browser many seconds and half a gigabyte; as columns of JSON
they are a few megabytes, and sorting, filtering and copying still reach all of them.
"""

import json
from os.path import commonprefix  # of letters, not of folders
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from vqa.files import shown

PAGE_ROWS = 100
STYLE = ".tools button:disabled { opacity: .45; cursor: default; }"
MOST_BYTES = 8_000_000
MOST_ROWS = 100_000
DIGITS = 5  # significant ones of a number
NUMBER_BYTES = 8
# A text that occurs more often than this on average is stored once.
REPEATED = 4


def rows_that_fit(texts: pd.DataFrame, numbers: int) -> int:
    """Return how many rows of a table a page can take.

    Args:
        texts: The columns of texts.
        numbers: Number of the other columns.
    """
    own = [texts[name] for name in texts if not _repeats(texts[name])]
    average = sum(column.str.len().mean() + 3 for column in own) + NUMBER_BYTES * numbers
    return min(MOST_ROWS, int(MOST_BYTES / max(average, 1.0)))


def as_data(table: pd.DataFrame, digits: int) -> Markup:
    """Return a table as JSON that `paged.js` shows, safe inside a script element.

    Args:
        table: Columns of floats or texts.
        digits: Digits of a shown number behind the point.
    """
    columns = [_column(table[name], digits) for name in table]
    text = json.dumps({"size": PAGE_ROWS, "columns": columns}, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))


def _column(values: pd.Series, digits: int) -> dict[str, Any]:
    if pd.api.types.is_float_dtype(values):
        known = np.isfinite(values.to_numpy())
        pairs = zip(values.tolist(), known.tolist(), strict=True)
        numbers = [float(f"{value:.{DIGITS}g}") if finite else None for value, finite in pairs]
        return {"values": numbers, "digits": digits}
    texts = values.astype(str).map(shown)
    if not _repeats(texts):
        return _without_beginnings(texts.tolist())
    codes, names = pd.factorize(texts)
    return {"values": codes.tolist(), "names": names.tolist()}


def _without_beginnings(texts: list[str]) -> dict[str, list]:
    """Return each text without what it begins with like the one before, and the length of that.

    Names of files often share a folder. Only ASCII is left out: Python and JavaScript count other
    letters differently.
    """
    shared, values, last = [], [], ""
    for text in texts:
        same = len(commonprefix([last, text])) if text.isascii() and last.isascii() else 0  # noqa: RUF071
        shared.append(same)
        values.append(text[same:])
        last = text
    return {"values": values, "shared": shared}


def _repeats(texts: pd.Series) -> bool:
    return texts.nunique() * REPEATED <= len(texts)
