"""Names and meanings of the 1836 numbers, in order.

A name is `block.map.size.statistic`, for example `mean.gm.half.aggd_h.alpha`.
"""

from vqa.features.nss.map_statistics import STATISTICS
from vqa.features.nss.maps import HAAR

FULL_MAPS = {  # at full size and at half
    "y": "luma",
    "gm": "Sobel gradient magnitude of luma",
    "log": "magnitude of the Laplacian of Gaussian of luma",
    "dog": "luma less its Gaussian average",
}
HALF_MAPS = {  # at half size only
    "o1": "opponent colour 0.30 R + 0.04 G - 0.35 B",
    "o2": "opponent colour 0.34 R - 0.60 G + 0.17 B",
    "gm_o1": "gradient magnitude of o1",
    "gm_o2": "gradient magnitude of o2",
    "by": "blue-yellow of the centred logarithms",
    "rg": "red-green of the centred logarithms",
    "gm_by": "gradient magnitude of by",
    "gm_rg": "gradient magnitude of rg",
    "lab_a": "CIE LAB a at 8 bits",
    "lab_b": "CIE LAB b at 8 bits",
    "gm_lab_a": "gradient magnitude of lab_a",
    "gm_lab_b": "gradient magnitude of lab_b",
}
BANDS = {f"haar{k}": f"frames `{signs}`" for k, signs in enumerate(HAAR, 1)}
PAIRS = {
    "h": "right-hand neighbours",
    "v": "neighbours below",
    "d1": "diagonal neighbours",
    "d2": "neighbours on the other diagonal",
}
COMBINATIONS = {
    "h": "less its left-hand neighbour",
    "v": "less the one above",
    "d1": "less the one above on the left",
    "d2": "less the one below on the left",
    "corners": "less both neighbours, plus the one between them",
    "cross": "vertical less horizontal neighbours",
    "diagonals": "neighbours of one diagonal less those of the other",
}
SHAPE = {"gamma": "shape", "s": "deviation"}
ASYMMETRIC = {
    "alpha": "shape",
    "eta": "mean",
    "l": "root mean square below zero",
    "r": "root mean square above zero",
}
MEANINGS = {  # of the 34 statistics
    **{f"ggd.{part}": f"GGD {word} of M" for part, word in SHAPE.items()},
    "sigma.mean": "mean of the local deviation",
    "sigma.ratio": "(mean / standard deviation)² of the local deviation",
    **{
        f"aggd_{way}.{part}": f"AGGD {word} of products of {which}"
        for way, which in PAIRS.items()
        for part, word in ASYMMETRIC.items()
    },
    **{
        f"log_{way}.{part}": f"GGD {word} of log M {which}"
        for way, which in COMBINATIONS.items()
        for part, word in SHAPE.items()
    },
}
SIZES = ("full", "half")
SPATIAL = {
    **{f"{key}.{size}": words for key, words in FULL_MAPS.items() for size in SIZES},
    **{f"{key}.half": words for key, words in HALF_MAPS.items()},
}
TEMPORAL = {f"{key}.{size}": words for key, words in BANDS.items() for size in SIZES}
BLOCKS = {  # of 34 numbers each
    **{f"mean.{key}": f"{words}, mean of two frames" for key, words in SPATIAL.items()},
    **{f"diff.{key}": f"{words}, difference of two frames" for key, words in SPATIAL.items()},
    **{f"temporal.{key}": words for key, words in TEMPORAL.items()},
}
NAMES = tuple(f"{block}.{statistic}" for block in BLOCKS for statistic in MEANINGS)
DIM = len(NAMES)


def family_of(name: str) -> str:
    """Return in a word what a number describes: `luma`, `colour` or `motion`.

    Examples:
        >>> from vqa.features.nss.names import family_of
        >>> family_of("mean.lab_a.half.sigma.mean")
        'colour'
    """
    block, channel, *_ = name.split(".")
    if block != "mean":
        return "motion"
    return "luma" if channel in FULL_MAPS else "colour"


FAMILIES = tuple(map(family_of, NAMES))


def table() -> str:
    """Return two Markdown tables that name every dimension: the blocks, and one block's numbers."""
    lines = ["| dimensions | block | map |", "|---|---|---|"]
    for place, (block, words) in enumerate(BLOCKS.items()):
        first = place * STATISTICS
        lines.append(f"| {first} to {first + STATISTICS - 1} | `{block}` | {words} |")
    lines += ["", "| place in the block | statistic | meaning |", "|---|---|---|"]
    for place, (statistic, words) in enumerate(MEANINGS.items()):
        lines.append(f"| {place} | `{statistic}` | {words} |")
    return "\n".join(lines) + "\n"
