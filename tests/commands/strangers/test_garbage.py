"""Every file of a run folder replaced by garbage: one line and a status, never a traceback."""

import json
import shutil

import pytest

from tests.commands.calling import Failed, run

FILES = (
    "config.yaml", "database.json", "environment.json", "leaks.json", "videos.csv",
    "predictions.csv", "results.json", "notes.json", "manifest.json", "timing.json",
    "evidence.json", "splits/split0.json", "split0/learner.json", "split0/model.safetensors",
    "split0/predictions.csv", "split0/alignment.json", "split0/labels.csv", "split0/seconds.json",
    "inputs.json",
)  # fmt: skip
GARBAGE = {
    "empty": b"",
    "bytes": bytes(range(256)) * 8,
    "text": b"once upon a time, in a land of\nmany, many, commas, and\n,,,\n",
    "null": b"null",
    "number": b"7",
    "list": b"[1, [2], {}]",
    "object": b'{"name": 3, "mos_range": "x", "videos": [], "vqa": {"a": 1}, "curve": 1}',
    "infinity": b'{"splits": 1e999, "mos_range": [NaN, NaN], "name": "x", "bootstrap": {}}',
    "digits": b'{"input_dim": ' + b"9" * 5000 + b"}",
    "deep": b"[" * 100_000,
}


def quick(folder, original):
    """Commands that end soon."""
    yield ["score", folder, original / "videos" / "clip1.mp4", "--cache", original / "cache"]
    yield ["verify", folder]
    yield ["runs", folder.parent]


def slower(folder, original):
    """The other commands that read run folders."""
    cache = original / "cache"
    yield ["evaluate", f"run={folder}", f"paths.cache={cache}", "fresh=true"]
    yield ["verify", folder, "--rescore", "1", "--cache", cache]
    yield ["compare", folder, original / "run1"]


def tried(words):
    """Run a command that may succeed or fail, but not with a traceback."""
    try:
        run(*words)
    except Failed as failure:
        status, text = failure.status, str(failure)
    else:
        return
    assert status in (1, 2), words
    assert "Traceback" not in text
    if words[0] != "verify":
        errors = [line for line in text.splitlines() if line.startswith("error: ")]
        rows = "files failed; their rows say why" in text
        assert len(errors) + rows == 1, (words, text)


@pytest.mark.parametrize("name", FILES)
def test_garbage_in_a_file_is_one_line(name, original, copied, seal):
    for content in (GARBAGE["bytes"], GARBAGE["object"]):
        (copied / name).write_bytes(content)
        if name != "manifest.json":
            seal()
        for words in quick(copied, original):
            tried(words)


@pytest.mark.exhaustive
@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_all_garbage_in_a_file_is_one_line(name, original, copied, seal):
    for kind, content in GARBAGE.items():
        (copied / name).write_bytes(content)
        if name != "manifest.json":
            seal()
        more = slower(copied, original) if kind in ("bytes", "object") else ()
        for words in (*quick(copied, original), *more):
            tried(words)


def leaves(value, path=()):
    """Yield the path of every value in nested lists and mappings."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in list(items)[:40]:
            yield from leaves(inner, (*path, key))
    yield path


@pytest.mark.exhaustive
@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["database.json", "results.json", "splits/split0.json", "split0/learner.json",
             "timing.json", "inputs.json"],
)  # fmt: skip
def test_values_of_a_wrong_kind_are_one_line(name, original, copied, seal):
    path = copied / name
    if not path.is_file():
        pytest.skip("this version writes no such file")
    whole = json.loads(path.read_text())
    words = list(quick(copied, original))
    if name in ("database.json", "timing.json"):
        words += [["compare", copied, original / "run1"]]
    for place in leaves(whole):
        for wrong in (None, "x", [], -1, 1e308) if len(place) < 2 else ({"a": []},):
            content = json.loads(json.dumps(whole))
            if not place:
                content = wrong
            else:
                section = content
                for key in place[:-1]:
                    section = section[key]
                section[place[-1]] = wrong
            path.write_text(json.dumps(content))
            seal()
            for some in words:
                tried(some)


@pytest.mark.exhaustive
@pytest.mark.slow
def test_settings_of_a_wrong_kind_are_one_line(original, copied, changed):
    keys = (
        "seed", "model", "features", "views", "data", "loader", "trainer", "views.features",
        "features.multiscale", "features.multiscale.extractor", "features.multiscale.frames",
        "features.multiscale.dtype", "data.reader", "loader.num_workers", "loader.eval_batch_size",
        "model.network", "model.network.attention", "model.loss", "model.standardise",
        "model.curve", "data.read", "data.read.labels", "data.read.mos_range",
        "trainer.accelerator", "model.network._target_", "model.network._partial_",
    )  # fmt: skip
    for key in keys:
        for wrong in (None, "x", [1], {"a": 1}, -1, True, 1e308):
            changed(key, wrong)
            tried(["score", copied, original / "videos" / "clip1.mp4", "--cache", "own"])
            if key.startswith("data"):
                tried(["evaluate", f"run={copied}", f"paths.cache={original / 'cache'}"])
            shutil.copytree(original / "run0", copied, dirs_exist_ok=True)
            shutil.rmtree(copied / "evaluations", ignore_errors=True)
