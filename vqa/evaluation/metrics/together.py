"""All metrics of a set of predictions at once."""

import logging
import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from numpy.typing import ArrayLike

from vqa.evaluation.metrics import cards
from vqa.evaluation.metrics.checks import Array, checked_pair, undefined
from vqa.evaluation.metrics.curves import map_scores

log = logging.getLogger(__name__)


class MetricError(ValueError):
    """The function or the form of a metric failed; the text names the metric."""


def score_all(
    mos: ArrayLike,
    score: ArrayLike,
    ci95: ArrayLike | None = None,
    names: Iterable[str] | None = None,
) -> dict[str, float]:
    """Compute metrics by name; each curve is fitted once for all of them.

    Args:
        mos: Opinions (N,).
        score: Predictions (N,).
        ci95: Half-widths (N,) of the confidence intervals of the MOS, as from `mos_ci95`.
        names: Metrics to compute; None computes all of `cards.METRICS`.

    Returns:
        NaN for metrics that are undefined, with a log line, and for those that need `ci95` if none
        is given.

    Raises:
        MetricError: The function of a metric failed or returned no number.
        ValueError: Lengths differ, or a value is not finite.
    """
    mos, score = checked_pair(mos, score)
    chosen = [cards.METRICS[name] for name in (cards.METRICS if names is None else names)]
    values = {card.name: math.nan for card in chosen}
    known = [card for card in chosen if ci95 is not None or not card.needs_ci95]
    if reason := undefined(mos, score):
        lost = [card.name for card in known if card.needs_variation]
        if lost:
            log.warning("%s are undefined: %s", ", ".join(lost), reason)
        known = [card for card in known if not card.needs_variation]
    mapped: dict[str, Array] = {}
    for card in known:
        if card.curve not in mapped:
            mapped[card.curve] = map_scores(mos, score, card.curve)
        inputs = [mos, mapped[card.curve], *([ci95] if card.needs_ci95 else [])]
        with naming(card):
            values[card.name] = float(card.function(*inputs))
            if math.isinf(values[card.name]):
                raise ValueError(f"the value is {values[card.name]}")
        if math.isnan(values[card.name]):
            log.warning("%s is undefined for these %d videos", card.name, len(mos))
    return values


@contextmanager
def naming(card: cards.Metric) -> Iterator[None]:
    """Turn any error inside the block into a `MetricError` that names the metric.

    Raises:
        MetricError: The block raised an error.
    """
    try:
        yield
    except Exception as error:
        raise MetricError(f"metric {card.name}: {error or type(error).__name__}") from error
