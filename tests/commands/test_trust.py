"""What the configuration of a run may name: vqa's own list, and what the user names."""

import sys

import pytest
import torch

from tests.places import CONF
from vqa.commands.building import build
from vqa.commands.trust import check, own_targets, trusted_object
from vqa.databases import demo
from vqa.models import losses

HOSTILE = (
    "pandas.read_pickle", "torch.load", "numpy.load", "joblib.load", "pathlib.Path.write_text",
    "shutil.copy", "os.system", "subprocess.run", "builtins.eval", "builtins.exec",
    "builtins.open",
    # inside vqa, but nothing that a configuration builds
    "vqa.files.write_atomically", "vqa.cli.main", "vqa.commands.building.locate",
    "vqa.databases.synthesis.encoding.write_h264", "vqa.runs.opening.open_run",
    "vqa.models.pretrained.weights.local_state", "vqa.__main__.main",
    # through attributes of modules that are allowed
    "vqa.runs.opening.shutil.copy", "vqa.features.saliency.np.load", "vqa.models.losses.torch.load",
    "torch.nn.modules.module.torch.load", "torch.nn.Module.load_state_dict", "torch.optim.sys.exit",
    "torch.optim.swa_utils.torch.load", "pytorch_lightning.Trainer.fit", "torch.nn.init.os.system",
    # no names at all
    "", ".", "vqa", "vqa.", ".vqa", "vqa..files", "vqa.models.losses.", "os.system\n", None, 3,
    ["os.system"], {"a": 1},
)  # fmt: skip
# Named like an allowed one, and found to be something else only after the import.
NOT_OF_THAT_KIND = (
    "vqa.models.losses.torch", "vqa.models.losses.Tensor", "torch.nn.Linear", "torch.nn.Module",
    "torch.nn.functional", "torch.nn.init", "torch.optim.lr_scheduler", "torch.optim.swa_utils",
)  # fmt: skip


@pytest.mark.parametrize("target", HOSTILE)
def test_what_vqa_does_not_write_is_refused_before_it_is_imported(target, monkeypatch):
    monkeypatch.delitem(sys.modules, "this", raising=False)
    deep = {"a": [{"b": {"_target_": target, "_partial_": True}}], "c": {"_target_": "this.s"}}
    with pytest.raises(ValueError, match="which is not part of vqa") as error:
        check(deep, ())
    assert "\n" not in str(error.value)
    with pytest.raises(ValueError, match="which is not part of vqa"):
        build(deep, ())
    assert "this" not in sys.modules


@pytest.mark.parametrize("target", NOT_OF_THAT_KIND)
def test_an_allowed_name_must_stand_for_an_object_of_its_kind(target):
    with pytest.raises(ValueError, match=f"uses {target}: expected a"):
        trusted_object(target, ())


def test_everything_that_vqa_itself_names_is_allowed_and_exists():
    named = [
        line.partition("_target_:")[2].split("#")[0].strip()
        for file in CONF.rglob("*.yaml")
        for line in file.read_text().splitlines()
        if line.strip().startswith("_target_:")
    ]
    assert set(named) - {"???"} == own_targets()
    assert len(own_targets()) > 50
    for target in own_targets():
        assert callable(trusted_object(target, ()))


def test_losses_and_optimisers_of_ones_choice_are_allowed():
    assert build({"_target_": "torch.nn.HuberLoss", "delta": 2.0}, ()).delta == 2
    assert trusted_object("torch.optim.RMSprop", ()) is torch.optim.RMSprop
    assert trusted_object("vqa.models.losses.linearity_loss", ()) is losses.linearity_loss
    with pytest.raises(ValueError, match=r"torch\.nn\.Hubert does not exist"):
        trusted_object("torch.nn.Hubert", ())


def test_a_trainer_is_only_described(tmp_path):
    settings = {"_target_": "pytorch_lightning.Trainer", "default_root_dir": str(tmp_path / "x")}
    with pytest.raises(ValueError, match="which only a training may"):
        build(settings, ())
    build({**settings, "_partial_": True}, ())


def test_the_demo_of_a_run_is_read_but_never_generated(tmp_path):
    settings = {"root": str(tmp_path), "contents": 2, "versions": 2, "frames": 4, "size": [64, 48]}
    settings |= {"_target_": "vqa.databases.demo.read"}
    with pytest.raises(ValueError, match=r"4 labelled videos are not on disk.*data=demo"):
        build(settings, ())
    assert list(tmp_path.iterdir()) == []
    made = demo.read(tmp_path, contents=2, versions=2, frames=4, size=(64, 48))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert build(settings, ()) == made
    assert {path: path.read_bytes() for path in before} == before


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package `my` that imports more than it defines, and one that begins with its name."""
    for name in ("my", "mypkg"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("from .inner import Net\nimport os\n")
        (tmp_path / name / "inner.py").write_text(
            "import os\nfrom os import system\nfrom pandas import read_pickle\n"
            "class Net:\n    @classmethod\n    def made(cls): return cls()\n"
            "def net(): return Net()\nVALUE = 3\n"
        )
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] in ("my", "mypkg")]:
        del sys.modules[name]


def test_a_trusted_package_stands_for_what_it_defines(package):
    assert type(build({"_target_": "my.inner.net"}, ("my",))).__name__ == "Net"
    assert type(build({"_target_": "my.Net"}, ("my",))).__name__ == "Net"  # from its __init__
    assert type(build({"_target_": "my.inner.Net"}, ("my.inner",))).__name__ == "Net"
    for target in ("mypkg.Net", "my.Net"):
        with pytest.raises(ValueError, match="not part of vqa"):
            build({"_target_": target}, ("my.inner",))
    with pytest.raises(ValueError, match="not part of vqa"):
        build({"_target_": "mypkg.Net"}, ("my", ""))
    assert "mypkg" not in sys.modules


@pytest.mark.parametrize(
    "target",
    ["my.inner.system", "my.inner.read_pickle", "my.inner.os", "my.inner.VALUE", "my.os.system",
     "my.inner.os.system", "my.inner.Net.made"],
)  # fmt: skip
def test_a_trusted_package_does_not_lend_what_it_imports(package, target):
    with pytest.raises(ValueError, match=r"expected a function or class of|does not exist"):
        build({"_target_": target, "command": "true"}, ("my",))


@pytest.mark.parametrize("target", ["os.system", "vqa.files.write_atomically", "torch.load"])
def test_trusting_one_package_allows_no_other(package, target):
    with pytest.raises(ValueError, match="not part of vqa"):
        build({"_target_": target}, ("my", "my.inner"))
