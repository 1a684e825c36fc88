"""The kind of damage that each statistic of a video speaks of.

Most statistics answer to several kinds of damage and to what a video shows. So a video is compared
as a whole first. Its statistics, on the rank-Gaussian scale of the training videos, are explained
as a sum of planted damages, each with an amount of at least 0:

    z = sum of a_m u_m + what videos are like,  a_m >= 0

u_m is the mean change by damage m (a function at a strength) and "what videos are like" has the
covariance of rated videos: generalised least squares with non-negative amounts. Then a statistic
counts to the kind whose damages move it most in the direction in which it lies, or to `other` if
none does. Each statistic counts to one kind; a kind without an amount has none.

That a picture is dark or stands still can be seen without statistics (`vqa.video.plain_facts`). If
it is known, kinds that are certain are explained first, and also get the statistics that nothing
else claims and that lie in the direction in which their damages move them.

`damages.safetensors` holds u and its filters; `benchmarks/cause_table.py` makes it.

Shapes: D = 1836, M damages, Q quantiles.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from vqa.features.nss.names import DIM, FAMILIES
from vqa.models.scalings import LIMIT, mapped

KINDS = ("sharpness", "noise", "colour", "motion", "other")
OTHER = KINDS.index("other")
FILE = Path(__file__).with_name("damages.safetensors")
VISIBLE = ("colour", "motion")  # of which the frames themselves give certainty
SWEEPS = 300
LEAST = 1e-3  # deviations: smaller changes by a damage are rounding
MOVED = 0.05  # mean change of a statistic that answers to a damage


@dataclass(frozen=True, eq=False)
class Damages:
    """Planted damages and what they do to the statistics.

    Attributes:
        kinds: Kind of each damage, of `KINDS`.
        changes: (M, D) mean change, in deviations of the training videos.
        filters: (M, D) `changes` times the inverse covariance of rated videos.
    """

    kinds: tuple[str, ...]
    changes: NDArray[np.float64]
    filters: NDArray[np.float64]

    def amounts(self, scaled: ArrayLike, kinds: Collection[str] = KINDS) -> NDArray[np.float64]:
        """Return the amount (M,) of each damage in a video's scaled statistics (D,).

        The non-negative least squares are solved by coordinate descent.

        Args:
            scaled: (D,) what to explain.
            kinds: Only damages of these kinds have an amount.
        """
        used = np.isin(self.kinds, list(kinds))
        filters, changes = self.filters[used], self.changes[used]
        products = filters @ changes.T
        products = (products + products.T) / 2
        wanted = filters @ np.asarray(scaled, np.float64)
        found = np.zeros(len(wanted))
        for _ in range(SWEEPS):
            for place, row in enumerate(products):
                step = (wanted[place] - row @ found) / row[place]
                found[place] = max(0.0, found[place] + step)
        amounts = np.zeros(len(used))
        amounts[used] = found
        return amounts

    def places(self) -> list[NDArray[np.bool_]]:
        """Return which damages (M,) are of each kind but `other`."""
        return [np.array(self.kinds) == kind for kind in KINDS[:OTHER]]

    def save(self, path: Path) -> None:
        """Write the file that `load` reads, in half precision."""
        arrays = {"changes": self.changes, "filters": self.filters}
        # safetensors writes the bytes as they lie in memory, whatever the order of the axes.
        half = {name: array.astype(np.float16, order="C") for name, array in arrays.items()}
        save_file(half, path, {"kinds": json.dumps(self.kinds)})

    @classmethod
    def load(cls, path: Path = FILE) -> Self:
        """Read what `save` wrote.

        Raises:
            ValueError: The file is absent or damaged.
        """
        try:
            with safe_open(path, "numpy") as file:
                kinds = tuple(json.loads(file.metadata()["kinds"]))
                both = [file.get_tensor(name).astype(float) for name in ("changes", "filters")]
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path}: not a table of damages ({error}); install vqa again") from (
                error
            )
        if set(kinds) - set(KINDS) or any(one.shape != (len(kinds), DIM) for one in both):
            raise ValueError(f"{path}: expected (M, {DIM}) numbers of M kinds; install vqa again")
        return cls(kinds, *both)


@cache
def damages() -> Damages:
    """Return the damages of the package's table."""
    return Damages.load()


def kinds_of(
    features: ArrayLike, quantiles: ArrayLike, certain: Collection[str] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return what each statistic of a video counts to, and how much of each kind there is.

    Args:
        features: (D,) statistics of a video. An undefined one has no direction: it counts to motion
            if it describes changes over time, as of a picture that stands still, and to `other` if
            it does not.
        quantiles: (Q, D) of the training videos.
        certain: Those of `VISIBLE` that the video certainly has, and no others; None if unknown.

    Returns:
        (D,) kinds as places in `KINDS`, and the amounts (K,) of all kinds; 1 is a planted damage.
        That of `other` is 0.

    Raises:
        ValueError: Another number of statistics.
    """
    features, quantiles = np.asarray(features, np.float64), np.asarray(quantiles, np.float64)
    if features.shape != (DIM,) or quantiles.shape[1:] != (DIM,):
        raise ValueError(
            f"expected {DIM} statistics and their quantiles, found {features.shape} and "
            f"{quantiles.shape}"
        )
    known = np.isfinite(features) & (np.abs(features) <= LIMIT)
    scaled = mapped(np.where(known, features, np.nan)[None], quantiles)[0]
    table = damages()
    if certain is None:
        amounts = table.amounts(scaled)
    else:
        amounts = table.amounts(scaled, certain)
        amounts += table.amounts(scaled - amounts @ table.changes, set(KINDS) - set(VISIBLE))
    sign, moved = np.sign(scaled), amounts[:, None] * table.changes
    agreeing = np.array([moved[own].sum(axis=0) * sign for own in table.places()])
    kinds = np.where(agreeing.max(axis=0) > LEAST, agreeing.argmax(axis=0), OTHER)
    for kind in VISIBLE:
        if certain is not None and kind in certain:
            place = KINDS.index(kind)
            usual = table.changes[table.places()[place]].mean(axis=0) * sign
            unclaimed = (kinds == OTHER) & (usual > MOVED)
            kinds[unclaimed | (agreeing[place] > LEAST)] = place
    moving = np.array(FAMILIES) == "motion"
    by_kind = np.array([amounts[own].sum() for own in table.places()] + [0.0])
    return np.where(known, kinds, np.where(moving, KINDS.index("motion"), OTHER)), by_kind
