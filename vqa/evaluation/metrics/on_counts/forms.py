"""The two forms that a metric can have on resample counts.

Shapes: N videos, R resamples, K sums, V values.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vqa.evaluation.metrics.checks import Array

Counts = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """A metric made of sums over videos, such as Pearson's correlation.

    All such metrics share one matrix product of counts and columns.

    Attributes:
        columns: What is summed over the drawn videos (N, K).
        finish: Makes values (R,) or (R, V) from the sums (R, K) and the number of draws (R,).
    """

    columns: Array
    finish: Callable[[Array, Array], Array]


# From MOS and scores, both (N,), to a function from counts (R, N) to values (R,) or (R, V), or to
# its sums. Values are NaN on resamples where the metric is undefined.
Form = Callable[[Array, Array], Callable[[Counts], Array] | Sums]


@dataclass(frozen=True, slots=True)
class OnCounts:
    """The form on resample counts of one metric.

    Attributes:
        form: Makes the function of counts. Metrics that name the same form share its work.
        column: Which of the V values is the metric.
    """

    form: Form
    column: int = 0


def ratio(covariance: Array, power: Array, drawn: Array) -> Array:
    """Return `covariance / sqrt(power)` (R,); NaN without variation or below three draws."""
    defined = (power > 0) & (drawn >= 3)
    result = np.full(len(power), np.nan)
    result[defined] = covariance[defined] / np.sqrt(power[defined])
    return np.clip(result, -1.0, 1.0)
