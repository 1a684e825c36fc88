"""The house's layers: which module may import which, and where each outside library may be."""

import ast

import pytest

from tests.places import ROOT

# A module belongs to the longest prefix that fits its name; it may import its own layer's rooms as
# said in `WITHIN` and every layer below.
LAYERS = {
    "vqa.files": 0,
    "vqa.runs.environment": 0,
    "vqa.databases.listing": 0,
    "vqa.progress": 0,
    "vqa.databases.records": 0,
    "vqa.video": 0,
    "vqa.video.sampling": 0,
    "vqa.video.fragments": 0,
    "vqa.models.losses": 0,
    "vqa.evaluation.metrics": 0,
    "vqa.evaluation.uncertainty": 0,
    "vqa.protocols.splits": 0,
    "vqa.models.svr": 0,
    "vqa.models": 0,
    "vqa.databases": 1,
    "vqa.features": 1,
    "vqa.protocols": 1,
    "vqa.databases.alignment": 1,
    "vqa.features.extraction.cache": 2,
    "vqa.features.extraction.pipeline": 2,
    "vqa.features.extraction.fill": 2,
    "vqa.training.views": 2,
    "vqa.features.extraction.sources": 3,
    "vqa.features.extraction.external": 3,
    "vqa.training.datamodule": 3,
    "vqa.training.learners": 4,
    "vqa.evaluation.results": 5,
    "vqa.runs": 5,
    "vqa.reports": 5,
    "vqa.reports.tracking": 5,
    "vqa.reports.evidence": 5,
    "vqa.commands.scoring": 5,
    "vqa.runs.audit": 5,
    "vqa.commands.assembly": 6,
    "vqa.reports.drawing": 6,
    "benchmarks.saliency_study": 6,
    "vqa.commands.pretraining": 6,
    "vqa.commands.workflow": 6,
    "vqa.runs.comparison": 6,
    "vqa.commands.cross": 6,
    "vqa.commands.doctor": 6,
}
# Arrows between rooms of one layer; a room may always import itself.
WITHIN = {
    ("vqa.protocols.splits", "vqa.files"),
    ("vqa.databases.records", "vqa.databases.listing"),
    ("vqa.databases.alignment", "vqa.databases"),
    ("vqa.features.extraction.fill", "vqa.features.extraction.cache"),
    ("vqa.features.extraction.fill", "vqa.features.extraction.pipeline"),
    ("vqa.training.views", "vqa.features.extraction.cache"),
    ("vqa.training.views", "vqa.features.extraction.pipeline"),
    ("vqa.evaluation.uncertainty", "vqa.evaluation.metrics"),
    ("vqa.models.svr", "vqa.evaluation.metrics"),
    ("vqa.models.svr", "vqa.files"),
    ("vqa.runs", "vqa.evaluation.results"),
    ("vqa.reports", "vqa.evaluation.results"),
    ("vqa.reports.tracking", "vqa.evaluation.results"),
    ("vqa.reports.tracking", "vqa.reports"),
    ("vqa.reports.evidence", "vqa.evaluation.results"),
    ("vqa.runs.audit", "vqa.evaluation.results"),
    ("vqa.runs.audit", "vqa.runs"),
    ("vqa.commands.workflow", "vqa.commands.assembly"),
    ("vqa.commands.workflow", "vqa.commands.pretraining"),
    ("vqa.commands.cross", "vqa.commands.assembly"),
    ("vqa.commands.cross", "vqa.commands.workflow"),
    ("vqa.commands.doctor", "vqa.commands.assembly"),
}
# Outside libraries that live in one place, so that each can be replaced in an hour.
HOMES = {
    "tqdm": ("vqa.progress",),
    "av": ("vqa.video", "vqa.databases.synthesis", "vqa.databases.demo"),
    "decord": ("vqa.video",),
    "hydra": ("vqa.commands.assembly", "vqa.commands.doctor.__main__"),
    "omegaconf": ("vqa.commands.assembly",),
    "wandb": ("vqa.reports.tracking",),
    "pytorch_lightning": (
        "vqa.training.datamodule",
        "vqa.training.learners",
        "vqa.reports.tracking",
        "vqa.commands.workflow",
    ),
    "lightning_fabric": ("vqa.training.learners",),
    "matplotlib": ("vqa.reports", "vqa.reports.tracking"),
    "jinja2": ("vqa.reports",),
    "skimage": ("vqa.databases.synthesis",),
    "sklearn": ("vqa.models.svr", "vqa.training.learners.svr", "vqa.databases.synthesis"),
    "h5py": ("vqa.protocols.matrices", "vqa.features.extraction.feature_tables"),
    "loky": ("vqa.features.nss.team",),
    "open_clip": ("vqa.models.pretrained.clip_network",),
    "torchvision": ("vqa.features", "vqa.models", "vqa.training.learners.starting"),
}
MODULES = sorted((ROOT / "vqa").rglob("*.py"))


def name_of(path):
    """`vqa/video/__init__.py` -> `vqa.video`."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path):
    """Full names that a module imports anywhere in its text."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the arrow"
            for alias in node.names:
                yield f"{node.module}.{alias.name}"


def room_of(name):
    """The entry of `LAYERS` that a dotted name belongs to, or None."""
    fits = [room for room in LAYERS if name == room or name.startswith(room + ".")]
    return max(fits, key=len, default=None)


def inside(name, places):
    return any(name == place or name.startswith(place + ".") for place in places)


def faults_of(name, imported):
    """Arrows of one module that the table forbids."""
    room = room_of(name)
    for target in imported:
        other = room_of(target)
        if other is None or other == room:
            continue
        downward = LAYERS[other] < LAYERS[room]
        if not downward and (room, other) not in WITHIN:
            yield f"{name} (layer {LAYERS[room]}) imports {target} (layer {LAYERS[other]})"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_arrows_point_down(path):
    name = name_of(path)
    if name == "vqa":
        assert not list(imports_of(path))
        return
    assert room_of(name), f"{name} has no layer: add it to LAYERS"
    assert not list(faults_of(name, imports_of(path)))


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_outside_libraries_stay_at_home(path):
    name = name_of(path)
    for target in imports_of(path):
        library = target.partition(".")[0]
        if library in HOMES:
            assert inside(name, HOMES[library]), f"{name} imports {target}"


def test_the_table_itself_can_fail():
    assert list(faults_of("vqa.evaluation.metrics", ["vqa.training.learners.neural.NeuralLearner"]))
    assert list(faults_of("vqa.features.convnet", ["vqa.databases.konvid.read"]))
    assert not list(faults_of("vqa.training.learners.neural", ["vqa.evaluation.metrics.srocc"]))


def test_entry_scripts_hold_no_logic():
    for script in ("train.py", "extract.py"):
        assert len((ROOT / script).read_text().splitlines()) < 65


def test_no_rooms_for_odds_and_ends():
    words = {"utils", "util", "common", "helpers", "core", "misc"}
    assert not [path for path in MODULES if words & set(path.with_suffix("").parts)]
