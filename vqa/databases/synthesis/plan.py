"""The plan of the demo: the distortions of each video, and its rating by simulated viewers."""

import random
from dataclasses import dataclass

from vqa.databases.synthesis import opinions
from vqa.databases.synthesis.photographs import PHOTOGRAPHS, Photograph

MOS_RANGE = (1.0, 5.0)
WEAKEST, STRONGEST = 0.12, 1.0  # total severity of a distorted version

MIXES = (
    ("compression",),
    ("noise", "compression"),
    ("defocus",),
    ("exposure", "noise"),
    ("freeze",),
    ("motion_blur", "compression"),
    ("noise",),
    ("flicker",),
    ("freeze", "compression"),
    ("defocus", "noise"),
    ("flicker", "compression"),
)


@dataclass(frozen=True, slots=True)
class Variant:
    """A demo database: photographs, distortion mixes, versions per content and rating scale."""

    photographs: tuple[Photograph, ...] = PHOTOGRAPHS
    mixes: tuple[tuple[str, ...], ...] = MIXES
    versions: int = 12
    mos_range: tuple[float, float] = MOS_RANGE


VARIANTS = {
    "demo": Variant(),
    "demo_coding": Variant(PHOTOGRAPHS[0::3], (("compression",),), 15),
    "demo_camera": Variant(
        PHOTOGRAPHS[1::3],
        (("defocus",), ("noise",), ("motion_blur",), ("exposure",), ("defocus", "noise")),
        15,
        (0.0, 100.0),
    ),
    "demo_timing": Variant(
        PHOTOGRAPHS[2::3], (("freeze",), ("flicker",), ("freeze", "flicker")), 15
    ),
}


@dataclass(frozen=True, slots=True)
class Version:
    """One planned video: its distortions and its label."""

    content: str
    number: int
    severities: dict[str, float]
    mos: float
    mos_std: float

    @property
    def group(self) -> str:
        """The distortion mix, for example `noise+compression`."""
        return "+".join(self.severities) or "pristine"

    @property
    def id(self) -> str:
        """Path of the file relative to the database's folder."""
        return f"{self.content}/{self.number}_{self.group.replace('+', '-')}.mp4"


def plan_versions(
    contents: int, versions: int, seed: int, variant: Variant = VARIANTS["demo"]
) -> tuple[Version, ...]:
    """Plan all videos with their labels, content by content; version 0 is pristine.

    The total severities of a content's versions are stratified draws. Each is divided among the
    distortions of a mix at random, so no two contents have the same set of severities.
    """
    panel = opinions.viewers(random.Random(f"{seed}/viewers"))
    plan = []
    for photograph in variant.photographs[:contents]:
        draw = random.Random(f"{seed}/{photograph.name}")
        appeal = opinions.normal(draw, opinions.APPEAL)
        mixes = sorted(variant.mixes, key=lambda _: draw.random())
        planted: list[dict[str, float]] = [{}]
        for step, strength in enumerate(_strengths(versions - 1, draw)):
            planted.append(_share_out(mixes[step % len(mixes)], strength, draw))
        for number, severities in enumerate(planted):
            mean = opinions.quality(severities, photograph.texture) + appeal
            mos, mos_std = _on_scale(opinions.rate(mean, panel, draw), variant.mos_range)
            plan.append(Version(photograph.name, number, severities, mos, mos_std))
    return tuple(plan)


def _on_scale(rating: tuple[float, float], scale: tuple[float, float]) -> tuple[float, float]:
    """Convert mean and standard deviation of ratings from 1 to 5 to another scale."""
    if scale == MOS_RANGE:
        return rating
    (mos, mos_std), (low, high) = rating, scale
    gain = (high - low) / (MOS_RANGE[1] - MOS_RANGE[0])
    return round(low + gain * (mos - MOS_RANGE[0]), 3), round(gain * mos_std, 3)


def _strengths(count: int, draw: random.Random) -> list[float]:
    """Draw one value from each of `count` equal parts of the range, in random order."""
    parts = [(part + draw.random()) / count for part in range(count)]
    parts.sort(key=lambda _: draw.random())
    return [WEAKEST + (STRONGEST - WEAKEST) * part for part in parts]


def _share_out(mix: tuple[str, ...], strength: float, draw: random.Random) -> dict[str, float]:
    """Draw severities with a root sum of squares of `strength`, none of them negligible."""
    shares = [0.4 + draw.random() for _ in mix]
    total = sum(share**2 for share in shares) ** 0.5
    return {
        name: round(strength * share / total, 4) for name, share in zip(mix, shares, strict=True)
    }
