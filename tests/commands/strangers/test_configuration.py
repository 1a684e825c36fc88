"""Run folders whose configuration was changed by someone else: refused, and nothing is executed."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

import vqa
from tests.commands.calling import Failed, run


class Touch:
    """Touches a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path(self.path).touch, ()


@pytest.fixture
def sentinel(tmp_path):
    """A path that every attack tries to create; it must stay absent."""
    path = tmp_path / "sentinel"
    (tmp_path / "evil.pkl").write_bytes(pickle.dumps(Touch(path)))
    torch.save(Touch(path), tmp_path / "evil.pt")
    np.save(tmp_path / "evil.npy", np.array([Touch(path)], object), allow_pickle=True)
    yield path
    assert not path.exists()


def attacks(sentinel):
    """Targets with arguments that would create the sentinel."""
    folder, made = sentinel.parent, str(sentinel)
    command, evil = f"touch {made}", str(folder / "evil.pkl")
    tensors = {"f": str(folder / "evil.pt"), "weights_only": False}
    array = {"file": str(folder / "evil.npy"), "allow_pickle": True}
    return {
        "pandas.read_pickle": {"filepath_or_buffer": f"file://{evil}"},
        "torch.load": tensors,
        "numpy.load": array,
        "joblib.load": {"filename": evil},
        "pathlib.Path.write_text": {"self": made, "data": "x"},
        "shutil.copy": {"src": evil, "dst": made},
        "os.system": {"command": command},
        "subprocess.run": {"args": ["touch", made]},
        "builtins.eval": {"source": f"open({made!r}, 'w')"},
        "builtins.exec": {"source": f"open({made!r}, 'w')"},
        "builtins.open": {"file": made, "mode": "w"},
        "vqa.files.write_atomically": {"path": made, "data": "x"},
        "vqa.runs.opening.shutil.copy": {"src": evil, "dst": made},
        "vqa.features.saliency.np.load": array,
        "torch.nn.modules.module.torch.load": tensors,
        "vqa.databases.synthesis.encoding.write_h264": {"path": made, "frames": []},
    }


# Sections that scoring, testing and rescoring build something from, and one that they do not.
PLACES = (
    "model", "model.network", "model.loss", "model.optimizer", "model.trainer", "model.module",
    "views.features", "views.more", "features.multiscale.extractor", "data.read", "protocol",
    "alignment", "logger",
)  # fmt: skip


def commands(folder, original):
    """Every command that loads the models of a run."""
    clip = original / "videos" / "clip1.mp4"
    return [
        ["score", folder, clip],
        ["evaluate", f"run={folder}", f"videos={clip}"],
        ["evaluate", f"run={folder}"],
        ["evaluate", f"run={folder}", "data=csv", f"data.labels={original / 'labels.csv'}",
         "data.mos_range=[1,5]"],
        ["verify", folder, "--rescore", "1"],
        ["evaluate", f"verify={folder}", "rescore=1"],
    ]  # fmt: skip


def refused(words):
    """Run a command that must be refused in one line, with nothing written to its folder."""
    with pytest.raises(Failed) as failure:
        run(*words)
    text = str(failure.value)
    assert failure.value.status in (1, 2)
    assert text.startswith("error: ")
    assert text.count("\n") == 1
    assert list(Path().iterdir()) == []
    return text


@pytest.mark.parametrize("place", PLACES)
def test_a_changed_target_is_refused_wherever_it_stands(place, original, changed, sentinel):
    for target, arguments in attacks(sentinel).items():
        folder = changed(place, {"_target_": target, **arguments})
        with pytest.raises(ValueError, match="not part of vqa"):
            vqa.load(folder)
        assert not sentinel.exists()


@pytest.mark.usefixtures("composed_once")
@pytest.mark.parametrize("number", range(6))
def test_every_command_refuses_every_target(number, original, changed, sentinel):
    for target, arguments in attacks(sentinel).items():
        folder = changed("model.network", {"_target_": target, **arguments})
        words = commands(folder, original)[number]
        if number < 4:
            assert target.partition(".")[0] in refused(words)
            continue
        with pytest.raises(Failed) as failure:
            run(*words)
        assert failure.value.status in (1, 2)
        assert "Traceback" not in str(failure.value)


def test_reading_commands_build_nothing(original, changed, sentinel, capsys):
    for place, (target, arguments) in zip(PLACES[1:], attacks(sentinel).items(), strict=False):
        folder = changed(place, {"_target_": target, **arguments})
    capsys.readouterr()
    run("runs", folder.parent, "--json")
    assert json.loads(capsys.readouterr().out)[0]["folder"] == str(folder)
    run("compare", folder, original / "run1", "--output", "compared")
    with pytest.raises(Failed, match=r"^error: init_from: .* in the training part"):
        run(
            "train", "data=csv", f"data.labels={original / 'labels.csv'}",
            "data.mos_range=[1,5]", "features=multiscale", "trainer.max_epochs=1",
            "protocol.test_fraction=0.34", "protocol.seed=3", f"init_from={folder}",
            f"paths.cache={original / 'cache'}", "folder=trained",
        )  # fmt: skip


@pytest.mark.usefixtures("composed_once")
def test_references_are_refused(original, changed):
    for value in ("${oc.env:HOME}", ["x", {"y": "a ${seed} b"}], {"${name}": 1}):
        for words in commands(changed("recipe", value), original):
            assert "a reference (${...})" in refused(words)


def test_documents_that_grow_or_nest_are_refused(original, copied, seal):
    path = copied / "config.yaml"
    whole = path.read_text()
    bomb = "a0: &a0 [x]\n" + "".join(
        f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 9)}]\n" for k in range(1, 9)
    )
    merged = "m0: &m0 {x: 1}\n" + "".join(
        f"m{k}: &m{k}\n  <<: [{', '.join([f'*m{k - 1}'] * 9)}]\n" for k in range(1, 9)
    )
    texts = {
        bomb: "alias", merged: "alias", "loop: &l [*l]\n": "alias",
        "deep: " + "[" * 5000 + "]" * 5000 + "\n": "not YAML",
        "x: !!python/object/apply:os.system [touch x]\n": "not YAML",
        "x: !!python/name:os.system\n": "not YAML",
        "x: !!int ''\n": "not YAML", "x: !!timestamp never\n": "not YAML",
        f"x: {'1' * 5000}\n": "not YAML", "x: 2001-99-99\n": "not YAML", "x: [1,\n": "not YAML",
        f"# {'x' * 10**6}\n": "at most 1000000 bytes",
    }  # fmt: skip
    for text, reason in texts.items():
        path.write_text(whole + text)
        seal()
        for words in commands(copied, original)[:1]:
            assert reason in refused(words)
        with pytest.raises(Failed, match=reason):
            run("compare", copied, original / "run1")
        run("runs", copied.parent)


def test_places_of_a_run_are_not_written(original, changed, tmp_path):
    """Cache, folder, logger and data of a run from elsewhere: only the command says where."""
    there = tmp_path / "elsewhere"
    for key in ("paths.cache", "paths.runs", "paths.data", "folder"):
        changed(key, str(there))
    folder = changed("logger", {"_target_": "vqa.reports.tracking.WandbTracker", "project": "x"})
    demo = {"_target_": "vqa.databases.demo.read", "root": str(there), "contents": 2, "frames": 4}
    run("score", folder, original / "videos" / "clip1.mp4", "--cache", "own")
    changed("data.read", demo)
    assert "not on disk" in refused_or_text(["evaluate", f"run={folder}", "paths.cache=own"])
    assert not there.exists()


def refused_or_text(words):
    """Run a command that fails in one line; returns the line."""
    with pytest.raises(Failed) as failure:
        run(*words)
    assert str(failure.value).startswith("error: ")
    return str(failure.value)


@pytest.mark.usefixtures("composed_once")
@pytest.mark.parametrize("key", ["data.name", "name", "model_name", "features.multiscale.name"])
def test_names_do_not_leave_their_folders(original, changed, key):
    for name in ("../../x", "/tmp/x", "..", ".", "", "a/b", "x" * 121, None, ["a"]):
        folder = changed(key, name)
        text = refused(["evaluate", f"run={folder}"])
        assert f"{key}=" in text
        assert not (folder / "evaluations").exists()


@pytest.mark.usefixtures("composed_once")
def test_names_of_splits_do_not_leave_the_run(original, copied, seal):
    split = next((copied / "splits").glob("*.json"))
    content = json.loads(split.read_text())
    for name in ("../../x", "a/b", "", ".."):
        split.write_text(json.dumps(content | {"name": name}))
        seal()
        for words in commands(copied, original)[2:4]:  # a score reads no splits
            assert "the name of the split=" in refused(words)


def test_links_below_a_run_are_not_followed(original, copied, tmp_path):
    there = tmp_path / "there"
    there.mkdir()
    (copied / "evaluations").symlink_to(there)
    assert "symbolic link" in refused(["evaluate", f"run={copied}"])
    (copied / "evaluations").unlink()
    (copied / "evaluations" / "csv").mkdir(parents=True)
    (copied / "evaluations" / "csv" / "figures").symlink_to(there)
    assert "symbolic link" in refused(["evaluate", f"run={copied}"])
    assert list(there.iterdir()) == []


def test_what_a_run_writes_has_no_aliases(original):
    text = (original / "run0" / "config.yaml").read_text()
    assert "&" not in text
    assert yaml.safe_load(text)["data"]["mos_range"] == [1, 5]
