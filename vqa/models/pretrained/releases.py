"""What is known of the published checkpoints: training databases, and what their scores mean.

Scales are those of the authors' own files. A file of the same layout with other weights has an
unknown scale, and says so: VSFA's and MDTVSFA's files are known by their weights, the four of
GSTVQA, FAST-VQA and FasterVQA by their names.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from vqa.evaluation.metrics.curves import Curve
from vqa.models.fastvqa import FastVQA
from vqa.models.gstvqa import GSTVQA
from vqa.models.mdtvsfa import MDTVSFA
from vqa.models.pretrained.weights import state_hash
from vqa.models.vsfa import VSFA

# Largest MOS of each database, by which the authors of VSFA and GSTVQA divided the labels.
LARGEST_MOS = {"konvid": 4.64, "cvd2014": 93.38, "livequalcomm": 73.6428, "livevqc": 94.2865}
# Rating scales, as the readers of the databases state them.
RATING_SCALES = {
    "konvid": (1.0, 5.0),
    "cvd2014": (-10.0, 100.0),
    "livequalcomm": (0.0, 100.0),
    "livevqc": (0.0, 100.0),
}
# `state_hash` of the networks of the authors' files.
VSFA_HASH = "c34bcd24874333fd09c6e6cd49bbf67906e164601c37ae43672643b26d5b9052"
MDTVSFA_HASH = "50fce7c59345da66b08f9ff8c06f10c1e482fc4eb754f53b2f2adaf3609ed99a"
GSTVQA_FILES = {
    "cvd14": "cvd2014", "konvid": "konvid", "liveq": "livequalcomm", "livev": "livevqc",
}  # fmt: skip
# Letters in the file's name, title, and the centre and width of the sigmoid by which the release's
# demo script displays scores.
FASTVQA_FILES = {
    "FAST_VQA_B": ("FAST-VQA", -0.110198185, 0.04178565),
    "FAST_VQA_3D": ("FasterVQA", 0.14759505, 0.03613452),
}
FASTVQA_ROWS = 15 * 13 * 13  # of a table of position bias, for windows of 8 x 7 x 7 tokens


@dataclass(frozen=True, slots=True)
class Scale:
    """A scale on which raw scores can be given.

    Attributes:
        name: The database whose MOS scale it is; `mapped` and `display` are no MOS scales.
        curve: From raw scores to this scale.
        limits: Lowest and highest value of the scale.
        meaning: What a value on it is, in a few words.
    """

    name: str
    curve: Curve
    limits: tuple[float, float]
    meaning: str


@dataclass(frozen=True, slots=True)
class PublishedModel:
    """A network with published weights, and what is known of it.

    Attributes:
        network: In evaluation mode, on the CPU.
        model: Its name in `conf/model`.
        title: Name of the release.
        databases: Those it was trained on; empty if that is unknown.
        raw: What a raw score is.
        scales: Scales for its scores, the one to use first; empty if none is known.
        features: Its features in `conf/features`; None for a model that reads fragments.
        input_dim: Features per frame; None without features.
        notes: What whoever uses its scores must know.
        settings: Overrides of the settings in `conf/model` that belong to these weights.
    """

    network: nn.Module
    model: str
    title: str
    databases: tuple[str, ...]
    raw: str
    scales: tuple[Scale, ...]
    features: str | None
    input_dim: int | None
    notes: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()


def vsfa(state: Mapping[str, Tensor], file: str) -> PublishedModel:
    """Build VSFA from its released state; the name of the file tells nothing."""
    network = VSFA.from_published(state)
    known = state_hash(network) == VSFA_HASH
    return PublishedModel(
        network,
        model="vsfa",
        title="VSFA",
        databases=("konvid",) if known else (),
        raw="MOS / largest MOS of the training database",
        scales=(_largest("konvid"),) if known else (),
        features="resnet50",
        input_dim=network.reduce.in_features,
        notes=() if known else (_unknown("VSFA.pt"),),
    )


def mdtvsfa(state: Mapping[str, Tensor], file: str) -> PublishedModel:
    """Build MDTVSFA from its released state; the name of the file tells nothing."""
    network = MDTVSFA.from_published(state)
    known = state_hash(network) == MDTVSFA_HASH
    scales = [Scale("mapped", Curve("linear", (1.0, 0.0)), (0.0, 1.0), "quality from 0 to 1")]
    lines = zip(network.databases, network.slope.tolist(), network.intercept.tolist(), strict=True)
    for name, slope, intercept in lines:
        limits = RATING_SCALES.get(name, (intercept, intercept + slope))
        line = Curve("linear", (slope, intercept))
        scales.append(Scale(name, line, limits, f"aligned to the MOS of {name}"))
    untrained = (
        "The scale livevqc spans the MOS of LIVE-VQC as the release initialises it: these weights "
        "were trained on KoNViD-1k, CVD2014 and LIVE-Qualcomm."
    )
    return PublishedModel(
        network,
        model="mdtvsfa",
        title="MDTVSFA",
        databases=("konvid", "cvd2014", "livequalcomm") if known else (),
        raw="mapped quality from 0 to 1, comparable over databases",
        scales=tuple(scales),
        features="resnet50",
        input_dim=network.vsfa.reduce.in_features,
        notes=(untrained if known else _unknown("MDTVSFA.pt"),),
        settings=(f"model.network.databases=[{','.join(network.databases)}]",),
    )


def gstvqa(state: Mapping[str, Tensor], file: str) -> PublishedModel:
    """Build GSTVQA from its released state; the name of the file tells the training database."""
    network = GSTVQA.from_published(state)
    found = re.search(rf"GSTVQA-({'|'.join(GSTVQA_FILES)})-", file)
    databases = (GSTVQA_FILES[found[1]],) if found else ()
    extraction = (
        "The authors did not release their extraction of VGG-16 features; features=vgg16 follows "
        "the paper, so scores may differ from theirs."
    )
    return PublishedModel(
        network,
        model="gstvqa",
        title="GSTVQA",
        databases=databases,
        raw="MOS / largest MOS of the training database",
        scales=tuple(map(_largest, databases)),
        features="vgg16",
        input_dim=2 * network.channels,
        notes=(extraction,) if found else (extraction, _unknown(_GSTVQA_EXAMPLE)),
    )


def fastvqa(state: Mapping[str, Tensor], file: str) -> PublishedModel:
    """Build FAST-VQA or FasterVQA, which the name of the file tells apart, from a released state.

    Raises:
        ValueError: The checkpoint is FAST-VQA-M or another network.
    """
    rows = {len(value) for key, value in state.items() if key.endswith("position_bias_table")}
    if rows and rows != {FASTVQA_ROWS}:
        raise ValueError(
            f"expected tables of position bias of {FASTVQA_ROWS} rows, as in FAST-VQA-B and "
            f"FasterVQA, found {sorted(rows)}; FAST-VQA-M, whose windows shrink with the input, is "
            "not supported"
        )
    network = FastVQA.from_published(state)
    found = next((name for name in FASTVQA_FILES if name in file), None)
    title, scales, notes = "FAST-VQA", (), (_unknown("FAST_VQA_B_1_4.pth"),)
    settings: tuple[str, ...] = ()
    if found:
        title, centre, width = FASTVQA_FILES[found]
        curve = Curve("logistic4", (1.0, 0.0, centre, width))
        scales = (Scale("display", curve, (0.0, 1.0), "published rescaling for display, no MOS"),)
        notes = (
            f"The scale display is the sigmoid by which the demo script of {title} shows scores; "
            "that script samples other frames.",
        )
    if title == "FasterVQA":  # one clip, spread over the video
        clips = {"num_clips": 1, "training_clips": 1, "time_fragments": 8, "aligned": 8}
        settings = tuple(f"views.fragments.{key}={value}" for key, value in clips.items())
    return PublishedModel(
        network,
        model="fastvqa",
        title=title,
        databases=("lsvq",) if found else (),
        raw="a number without bounds that tells the order",
        scales=scales,
        features=None,
        input_dim=None,
        notes=notes,
        settings=settings,
    )


_GSTVQA_EXAMPLE = "training-all-data-GSTVQA-konvid-EXP0-best"


def _largest(database: str) -> Scale:
    """Return the MOS scale of a database whose labels were divided by its largest MOS."""
    line = Curve("linear", (LARGEST_MOS[database], 0.0))
    return Scale(database, line, RATING_SCALES[database], f"MOS of {database}")


def _unknown(example: str) -> str:
    return (
        f"This is not known to be one of the authors' files, such as {example}, so the training "
        "database and the scale of its scores are unknown."
    )
