"""The worst moments of a video, from its quality over time."""

import numpy as np
from numpy.typing import ArrayLike

WORST_MOMENTS = 3
APART = 0.1  # distance of worst moments, as a share of the timeline's length


def worst_moments(times_s: ArrayLike, quality: ArrayLike) -> list[int]:
    """Return the positions of the worst moments, `APART` from each other, in temporal order.

    Args:
        times_s: (T,) times in seconds, ascending.
        quality: (T,) quality at these times.

    Examples:
        >>> from vqa.evaluation.moments import worst_moments
        >>> worst_moments([0, 1, 2, 3, 4, 5], [3.0, 2.9, 1.0, 1.1, 3.0, 2.0])
        [2, 3, 5]
    """
    times_s, quality = np.asarray(times_s), np.asarray(quality)
    found: list[int] = []
    distance_s = APART * float(np.ptp(times_s)) if len(times_s) else 0.0
    for place in np.argsort(quality, kind="stable"):
        if all(abs(times_s[place] - times_s[other]) > distance_s for other in found):
            found.append(int(place))
        if len(found) == WORST_MOMENTS:
            break
    return sorted(found)
