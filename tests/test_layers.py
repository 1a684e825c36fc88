"""The layers of the house: which room may import which, and where each outside library may be."""

import ast
import sys

import pytest

from tests.places import ROOT

# From the bottom to the top: a room may import itself and the rooms before it, unless `NOT` says
# otherwise. A module belongs to the room whose name is the longest prefix of its own.
ROOMS = (
    "vqa.files",
    "vqa.identity",
    "vqa.progress",
    "vqa.cores",
    "vqa.remote",
    "vqa.video",
    "vqa.evaluation",
    "vqa.databases",
    "vqa.protocols",
    "vqa.models",
    "vqa.features",
    "vqa.training",
    "vqa.runs",
    "vqa.reports",
    "vqa.commands",
    "vqa.api",
    "vqa.cli",
    "vqa.__main__",
    "vqa",
)
# What a room must not import although it is lower: results and pages know nothing of models.
NOT = {
    "vqa.evaluation": ("vqa.video",),
    "vqa.runs": ("vqa.models", "vqa.features", "vqa.training"),
    "vqa.reports": ("vqa.models", "vqa.features", "vqa.training"),
}
# Outside libraries that live in one place, so that each can be replaced in an hour.
HOMES = {
    "tqdm": ("vqa.progress",),
    "fsspec": ("vqa.remote",),
    "aiohttp": ("vqa.remote",),
    "av": ("vqa.video", "vqa.databases.synthesis"),
    "decord": ("vqa.video",),
    "hydra": ("vqa.commands",),
    "omegaconf": ("vqa.commands",),
    "wandb": ("vqa.reports.tracking",),
    "optuna": ("vqa.commands.sweeps.search",),
    "pytorch_lightning": ("vqa.training", "vqa.reports.tracking"),
    "lightning_fabric": ("vqa.training",),
    "matplotlib": ("vqa.reports", "vqa.commands.study.material"),  # the latter for a type
    "jinja2": ("vqa.reports",),
    "skimage": ("vqa.databases.synthesis",),
    "sklearn": (
        "vqa.models.svr",
        "vqa.protocols",
        "vqa.training",
        "vqa.databases.synthesis",
        "vqa.commands.study.figures.hidden_states",
    ),
    "h5py": ("vqa.protocols", "vqa.features.extraction"),
    "huggingface_hub": ("vqa.runs.hub",),
    "loky": ("vqa.features.nss", "vqa.features.extraction.lanes"),
    "ray": ("vqa.commands.engines", "vqa.commands.scoring.on_ray"),
    "fastapi": ("vqa.commands.serving",),
    "starlette": ("vqa.commands.serving",),
    "uvicorn": ("vqa.commands.serving",),
    "python_multipart": ("vqa.commands.serving",),
    "prometheus_client": ("vqa.commands.serving",),
    "onnx": ("vqa.commands.exporting",),
    "onnx_ir": ("vqa.commands.exporting",),
    "onnxscript": ("vqa.commands.exporting", "vqa.training.exported"),
    "onnxruntime": ("vqa.commands.exporting",),
    "pyarrow": ("vqa.commands.scoring", "vqa.api"),  # the latter for a type
    "open_clip": ("vqa.models.pretrained",),
    "timm": ("vqa.models.pretrained",),
    "torchvision": ("vqa.models", "vqa.features", "vqa.training"),
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
    """The room that a dotted name belongs to; None outside of vqa."""
    if name != "vqa" and not name.startswith("vqa."):
        return None
    fits = [room for room in ROOMS if name == room or name.startswith(room + ".")]
    return max(fits, key=len)


def inside(name, places):
    return any(name == place or name.startswith(place + ".") for place in places)


def faults_of(name, imported):
    """Arrows of one module that the table forbids."""
    room = room_of(name)
    for target in imported:
        other = room_of(target)
        if other is None or other == room or target == "vqa.__version__":
            continue
        if ROOMS.index(other) > ROOMS.index(room) or other in NOT.get(room, ()):
            yield f"{name} ({room}) imports {target} ({other})"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_arrows_point_down(path):
    assert not list(faults_of(name_of(path), imports_of(path)))


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_outside_libraries_stay_at_home(path):
    name = name_of(path)
    for target in imports_of(path):
        library = target.partition(".")[0]
        if library in HOMES:
            assert inside(name, HOMES[library]), f"{name} imports {target}"


def test_every_entry_of_the_package_is_a_room():
    entries = {path.stem for path in (ROOT / "vqa").iterdir() if path.suffix in ("", ".py")}
    rooms = {room.partition(".")[2] for room in ROOMS} - {""}
    assert entries - {"__init__", "__pycache__", "embedded"} == rooms


def test_the_table_itself_can_fail():
    assert list(faults_of("vqa.evaluation.metrics", ["vqa.training.learners.neural.NeuralLearner"]))
    assert list(faults_of("vqa.reports.page", ["vqa.features.convnet.ConvnetStatistics"]))
    assert list(faults_of("vqa.protocols.folds", ["vqa.models.vsfa.VSFA"]))
    assert not list(faults_of("vqa.training.learners.neural", ["vqa.evaluation.metrics.srocc"]))


def test_root_scripts_hold_no_logic():
    """Docstring, import, and the call of the verb that the script is named after."""
    scripts = sorted(ROOT.glob("*.py"))
    assert [path.stem for path in scripts] == ["cross", "evaluate", "extract", "train"]
    for path in scripts:
        docstring, imported, guarded = ast.parse(path.read_text(encoding="utf-8")).body
        assert isinstance(docstring, ast.Expr)
        assert ast.unparse(imported) == "from vqa.cli import script"
        (call,) = guarded.body
        assert ast.unparse(call) == f"script('{path.stem}')"


def test_experiment_alone_builds_objects():
    """Jobs take an experiment; no other module turns configuration into objects."""
    builders = [
        name_of(path)
        for path in MODULES
        if any(target == "vqa.commands.building.build" for target in imports_of(path))
        or "hydra.utils" in {target.rpartition(".")[0] for target in imports_of(path)}
    ]
    assert builders == ["vqa.commands.experiment"]


def test_no_rooms_for_odds_and_ends():
    words = {"utils", "util", "common", "helpers", "core", "misc"}
    assert not [path for path in MODULES if words & set(path.with_suffix("").parts)]


def test_no_module_shadows_the_standard_library():
    names = {path.stem for path in MODULES} - {"__init__", "__main__"}
    assert not names & sys.stdlib_module_names
