"""The metrics: one card for each, in the order in which they are shown.

Results, tables, report, intervals, comparison and W&B read these cards. To add a metric, write one
function `(mos, score) -> float` and add one card to `METRICS`. If the card has a form on resample
counts, the metric gets intervals and models can be ranked by it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import KW_ONLY, dataclass
from functools import partial
from types import MappingProxyType

from vqa.evaluation.metrics.agreement import krocc, plcc_mapped, plcc_raw, rmse_raw, srocc
from vqa.evaluation.metrics.curves import CURVES
from vqa.evaluation.metrics.on_counts.forms import OnCounts
from vqa.evaluation.metrics.on_counts.moments import pearson_on_counts, rms_on_counts
from vqa.evaluation.metrics.on_counts.ranks import krocc_on_counts, srocc_on_counts
from vqa.evaluation.metrics.on_counts.refit import refitted_on_counts
from vqa.evaluation.metrics.perceptual import pwrc
from vqa.evaluation.metrics.raters import outlier_ratio, rmse_star

# The other keys of a split in results.json.
RESERVED = ("n", "further", "mapping", "interval")


@dataclass(frozen=True, slots=True)
class Metric:
    """The card of one metric.

    Attributes:
        name: Key in results and tables, a lower-case identifier.
        title: Name in tables, report and figures.
        function: From MOS (N,) and scores (N,), and with `needs_ci95` half-widths (N,), to the
            metric. Inputs are float64 and finite.
        curve: The function gets scores mapped to the MOS scale by this curve (`logistic4` or
            `logistic5`), which all metrics share; `none` passes the scores unmapped.
        lower_is_better: Whether the metric is an error.
        needs_variation: The metric is undefined for fewer than three videos, for constant MOS and
            for constant scores. The function is then not called.
        needs_ci95: The function needs the half-width of the 95 % confidence interval of each MOS.
        in_table: Whether the metric is a column of the results table. Others are reported
            alongside.
        on_counts: The form on resample counts, which intervals need.
        colour_range: Values at the ends of the colour scale of a heat map; None takes the worst
            and the best value of the map.

    Raises:
        ValueError: A card that is incomplete or contradicts itself.
    """

    name: str
    title: str
    function: Callable[..., float]
    _: KW_ONLY
    curve: str = "none"
    lower_is_better: bool = False
    needs_variation: bool = True
    needs_ci95: bool = False
    in_table: bool = False
    on_counts: OnCounts | None = None
    colour_range: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        faults = []
        if not self.name.isidentifier() or not self.name.islower() or self.name in RESERVED:
            faults.append("expected a lower-case identifier as name, no " + ", ".join(RESERVED))
        if not self.title:
            faults.append("expected a title")
        if not callable(self.function):
            faults.append("expected a function (mos, score) -> float")
        if self.curve not in CURVES:
            faults.append(f"curve={self.curve!r}: expected one of {', '.join(CURVES)}")
        if self.curve != "none" and not self.needs_variation:
            faults.append(f"curve={self.curve!r} needs variation: no curve fits constant values")
        if self.in_table and self.on_counts is None:
            faults.append("in_table=True needs on_counts, from which the intervals are computed")
        if self.needs_ci95 and self.on_counts is not None:
            faults.append("needs_ci95=True and on_counts: a form on counts gets no ci95")
        if not isinstance(self.on_counts, OnCounts | None):
            faults.append("expected on_counts=OnCounts(form)")
        if faults:
            raise ValueError(f"metric {self.name!r}: {'; '.join(faults)}")


def by_name(cards: Iterable[Metric]) -> Mapping[str, Metric]:
    """Return cards by their name, in their order, as a mapping that cannot be changed.

    Raises:
        ValueError: Two cards have the same name.
    """
    found: dict[str, Metric] = {}
    for card in cards:
        if card.name in found:
            raise ValueError(f"metric {card.name!r}: two cards have this name; rename one")
        found[card.name] = card
    return MappingProxyType(found)


METRICS = by_name(
    [
        Metric(
            "srocc", "SROCC", srocc, in_table=True,
            on_counts=OnCounts(srocc_on_counts), colour_range=(0, 1),
        ),
        Metric(
            "krocc", "KROCC", krocc, in_table=True,
            on_counts=OnCounts(krocc_on_counts), colour_range=(0, 1),
        ),
        Metric(
            "plcc", "PLCC", plcc_mapped, curve="logistic4", in_table=True,
            on_counts=OnCounts(refitted_on_counts, 0), colour_range=(0, 1),
        ),
        Metric(
            "plcc_raw", "PLCC raw", plcc_raw, in_table=True,
            on_counts=OnCounts(pearson_on_counts), colour_range=(0, 1),
        ),
        Metric(
            "rmse", "RMSE", rmse_raw, curve="logistic4", in_table=True,
            on_counts=OnCounts(refitted_on_counts, 1), lower_is_better=True,
        ),
        Metric(
            "rmse_raw", "RMSE raw", rmse_raw, in_table=True,
            on_counts=OnCounts(rms_on_counts), lower_is_better=True, needs_variation=False,
        ),
        Metric("pwrc", "PWRC", pwrc),
        Metric(
            "plcc_logistic5", "PLCC (5-parameter curve)", plcc_mapped,
            curve="logistic5", colour_range=(0, 1),
        ),
        Metric(
            "rmse_logistic5", "RMSE (5-parameter curve)", rmse_raw,
            curve="logistic5", lower_is_better=True,
        ),
        Metric(
            "outlier_ratio", "outlier ratio",
            partial(outlier_ratio, curve="none"), curve="logistic4", needs_ci95=True,
            lower_is_better=True,
        ),
        Metric(
            "rmse_star", "RMSE*",
            partial(rmse_star, curve="none", degrees=CURVES["logistic4"]),
            curve="logistic4", needs_ci95=True, lower_is_better=True,
        ),
    ]
)  # fmt: skip


def table() -> tuple[str, ...]:
    """Names of the metrics that are columns of the results table."""
    return tuple(name for name, card in METRICS.items() if card.in_table)


def alongside() -> tuple[str, ...]:
    """Names of the metrics that are reported alongside the table."""
    return tuple(name for name, card in METRICS.items() if not card.in_table)


def rankable() -> tuple[str, ...]:
    """Names of the metrics with a form on counts: they have intervals, and models are ranked."""
    return tuple(name for name, card in METRICS.items() if card.on_counts)


def rankable_metric(name: str) -> Metric:
    """Return the card of a metric that models can be ranked by.

    Raises:
        ValueError: There is no such metric.
    """
    if name not in rankable():
        raise ValueError(f"metric={name!r}: expected one of {', '.join(rankable())}")
    return METRICS[name]


def title_of(name: str) -> str:
    """Return the title of a metric; names that this version does not know stay as they are."""
    return METRICS[name].title if name in METRICS else name
