"""The results of a run as records, and as the JSON of `results.json`.

Metrics are keyed by name. The columns of the table and the metrics reported alongside are stored
apart; `value` finds either.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vqa.evaluation.metrics.cards import RESERVED
from vqa.files import plain, read_json

Interval = tuple[float, float]
Values = dict[str, float]
UNDEFINED: Interval = (math.nan, math.nan)


@dataclass(frozen=True, slots=True)
class SplitResults:
    """The results of one split.

    Attributes:
        n: Number of test videos.
        table: Metrics of the results table; NaN if undefined.
        alongside: Metrics that are reported alongside.
        intervals: Lower and upper end for each metric that has an interval.
        curve: Kind of the curve fitted for PLCC and RMSE; None if no curve can be fitted.
    """

    n: int
    table: Values
    alongside: Values
    intervals: dict[str, Interval]
    curve: str | None

    def value(self, metric: str) -> float:
        """Return a metric; NaN if it is undefined or was not computed."""
        return _value(metric, self.table, self.alongside)

    def interval(self, metric: str) -> Interval:
        """Return both ends of a metric's interval; NaN if there is none."""
        return self.intervals.get(metric, UNDEFINED)

    def to_json(self) -> dict[str, Any]:
        """Return the layout of a split in results.json."""
        return {
            **self.table,
            "n": self.n,
            "further": self.alongside,
            "mapping": self.curve,
            "interval": self.intervals,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "SplitResults":
        """Read the layout of a split in results.json."""
        return cls(
            n=int(content["n"]),
            table=_values({key: content[key] for key in content if key not in RESERVED}),
            alongside=_values(content.get("further", {})),
            intervals=_intervals(content["interval"]),
            curve=content["mapping"],
        )


@dataclass(frozen=True, slots=True)
class Summary:
    """The results over all splits.

    Attributes:
        splits: Number of splits.
        videos: Number of different test videos.
        predictions: Number of predictions.
        median: Median of each metric of the table over the splits on which it is defined.
        mean: Mean over these splits.
        std: Standard deviation over these splits (n - 1 in the divisor).
        intervals: Lower and upper end of the median's interval.
        undefined: Number of splits on which the metric is undefined.
        alongside: Medians of the metrics that are reported alongside.
    """

    splits: int
    videos: int
    predictions: int
    median: Values
    mean: Values
    std: Values
    intervals: dict[str, Interval]
    undefined: dict[str, int]
    alongside: Values

    def value(self, metric: str) -> float:
        """Return the median of a metric; NaN if it is undefined or was not computed."""
        return _value(metric, self.median, self.alongside)

    def interval(self, metric: str) -> Interval:
        """Return both ends of the interval of a metric's median; NaN if there is none."""
        return self.intervals.get(metric, UNDEFINED)

    def to_json(self) -> dict[str, Any]:
        """Return the layout of the summary in results.json."""
        return {
            "splits": self.splits,
            "videos": self.videos,
            "predictions": self.predictions,
            "median": self.median,
            "mean": self.mean,
            "std": self.std,
            "interval": self.intervals,
            "undefined": self.undefined,
            "further": self.alongside,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Summary":
        """Read the layout of the summary in results.json."""
        return cls(
            splits=int(content["splits"]),
            videos=int(content["videos"]),
            predictions=int(content["predictions"]),
            median=_values(content["median"]),
            mean=_values(content["mean"]),
            std=_values(content["std"]),
            intervals=_intervals(content["interval"]),
            undefined={name: int(count) for name, count in content["undefined"].items()},
            alongside=_values(content.get("further", {})),
        )


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """Settings of the intervals.

    Attributes:
        resamples: Number of bootstrap resamples.
        level: Coverage of the intervals.
        seed: Seed of the draw.
    """

    resamples: int = 2000
    level: float = 0.95
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Results:
    """Everything that is computed from predictions.

    Attributes:
        splits: Results of each split, by its name.
        summary: Results over all splits.
        bootstrap: Settings of the intervals.
    """

    splits: dict[str, SplitResults]
    summary: Summary
    bootstrap: Bootstrap

    def to_json(self) -> dict[str, Any]:
        """Return the content of results.json, in JSON's own types: None for NaN."""
        return plain(
            {
                "splits": {name: split.to_json() for name, split in self.splits.items()},
                "summary": self.summary.to_json(),
                "bootstrap": asdict(self.bootstrap),
            }
        )

    @classmethod
    def from_json(cls, content: Any) -> "Results":
        """Read the content of results.json.

        Raises:
            ValueError: The content has another layout.
        """
        try:
            splits = content["splits"].items()
            return cls(
                splits={str(name): SplitResults.from_json(part) for name, part in splits},
                summary=Summary.from_json(content["summary"]),
                bootstrap=Bootstrap(**content["bootstrap"]),
            )
        except (ArithmeticError, AttributeError, KeyError, TypeError) as error:
            raise ValueError(
                f"expected results with splits, summary and bootstrap ({error!r}); "
                "were they written by another version of vqa?"
            ) from error


def read_results(path: str | Path) -> Results | None:
    """Read `results.json`; None if it is absent or no video was tested.

    Raises:
        ValueError: The file is not JSON or has another layout.
    """
    content = read_json(path)
    try:
        return None if content is None else Results.from_json(content)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _value(metric: str, *places: Values) -> float:
    return next((values[metric] for values in places if metric in values), math.nan)


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _values(content: Mapping[str, float | None]) -> Values:
    return {str(name): _number(value) for name, value in content.items()}


def _intervals(content: Mapping[str, Any]) -> dict[str, Interval]:
    return {name: (_number(low), _number(high)) for name, (low, high) in content.items()}
