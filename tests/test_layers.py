"""The house's layers: which module may import which, and where each outside library may be."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# A module belongs to the longest prefix that fits its name; it may import its own layer's rooms as
# said in `WITHIN` and every layer below.
LAYERS = {
    "vqa.files": 0,
    "vqa.environment": 0,
    "vqa.listing": 0,
    "vqa.progress": 0,
    "vqa.records": 0,
    "vqa.video": 0,
    "vqa.sampling": 0,
    "vqa.fragments": 0,
    "vqa.losses": 0,
    "vqa.metrics": 0,
    "vqa.statistics": 0,
    "vqa.splits": 0,
    "vqa.regression": 0,
    "vqa.models": 0,
    "vqa.databases": 1,
    "vqa.features": 1,
    "vqa.protocols": 1,
    "vqa.alignment": 1,
    "vqa.cache": 2,
    "vqa.pipeline": 2,
    "vqa.extraction": 2,
    "vqa.views": 2,
    "vqa.sources": 3,
    "vqa.external": 3,
    "vqa.datamodule": 3,
    "vqa.learners": 4,
    "vqa.results": 5,
    "vqa.runs": 5,
    "vqa.reports": 5,
    "vqa.tracking": 5,
    "vqa.evidence": 5,
    "vqa.scoring": 5,
    "vqa.audit": 5,
    "vqa.assembly": 6,
    "vqa.drawing": 6,
    "vqa.saliency_study": 6,
    "vqa.pretraining": 6,
    "vqa.workflow": 6,
    "vqa.comparison": 6,
    "vqa.cross": 6,
    "vqa.doctor": 6,
}
# Arrows between rooms of one layer; a room may always import itself.
WITHIN = {
    ("vqa.splits", "vqa.files"),
    ("vqa.records", "vqa.listing"),
    ("vqa.alignment", "vqa.databases"),
    ("vqa.extraction", "vqa.cache"),
    ("vqa.extraction", "vqa.pipeline"),
    ("vqa.views", "vqa.cache"),
    ("vqa.views", "vqa.pipeline"),
    ("vqa.statistics", "vqa.metrics"),
    ("vqa.regression", "vqa.metrics"),
    ("vqa.regression", "vqa.files"),
    ("vqa.runs", "vqa.results"),
    ("vqa.reports", "vqa.results"),
    ("vqa.tracking", "vqa.results"),
    ("vqa.tracking", "vqa.reports"),
    ("vqa.evidence", "vqa.results"),
    ("vqa.audit", "vqa.results"),
    ("vqa.audit", "vqa.runs"),
    ("vqa.workflow", "vqa.assembly"),
    ("vqa.workflow", "vqa.pretraining"),
    ("vqa.cross", "vqa.assembly"),
    ("vqa.cross", "vqa.workflow"),
    ("vqa.doctor", "vqa.assembly"),
}
# Outside libraries that live in one place, so that each can be replaced in an hour.
HOMES = {
    "tqdm": ("vqa.progress",),
    "av": ("vqa.video", "vqa.databases.synthesis", "vqa.databases.demo"),
    "decord": ("vqa.video",),
    "hydra": ("vqa.assembly", "vqa.doctor.__main__"),
    "omegaconf": ("vqa.assembly",),
    "wandb": ("vqa.tracking",),
    "pytorch_lightning": ("vqa.datamodule", "vqa.learners", "vqa.tracking", "vqa.workflow"),
    "lightning_fabric": ("vqa.learners",),
    "matplotlib": ("vqa.reports", "vqa.tracking"),
    "jinja2": ("vqa.reports",),
    "skimage": ("vqa.databases.synthesis",),
    "sklearn": ("vqa.regression", "vqa.learners.svr", "vqa.databases.synthesis"),
    "h5py": ("vqa.protocols.matrices", "vqa.regression.tables"),
    "loky": ("vqa.features.nss.team",),
    "open_clip": ("vqa.features.clip_network",),
    "torchvision": ("vqa.features", "vqa.models", "vqa.learners.starting"),
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
    assert list(faults_of("vqa.metrics", ["vqa.learners.neural.NeuralLearner"]))
    assert list(faults_of("vqa.features.convnet", ["vqa.databases.konvid.read"]))
    assert not list(faults_of("vqa.learners.neural", ["vqa.metrics.srocc"]))


def test_entry_scripts_hold_no_logic():
    for script in ("train.py", "extract.py"):
        assert len((ROOT / script).read_text().splitlines()) < 65


def test_no_rooms_for_odds_and_ends():
    words = {"utils", "util", "common", "helpers", "core", "misc"}
    assert not [path for path in MODULES if words & set(path.with_suffix("").parts)]
