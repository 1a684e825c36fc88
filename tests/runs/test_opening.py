"""Run folders made, opened again and refused."""

import pytest
import yaml

from vqa.protocols.splits import Split
from vqa.runs import RunError
from vqa.runs.opening import identity, load_run, open_run

CONFIG = {"name": "a", "seed": 0, "model": {"lr": 1.0}, "paths": {"runs": "x"}}
SPLIT = Split("split0", ("a", "b"), (), ("c", "d"), "content", 0)


def test_the_same_folder_for_the_same_run_alone(tmp_path):
    folder = tmp_path / "run"
    run = open_run(folder, CONFIG)
    run.begin(SPLIT)
    run.record(SPLIT.name, [])
    elsewhere = {**CONFIG, "paths": {"runs": "y"}, "threads": 2}
    assert open_run(folder, elsewhere).has(SPLIT)
    with pytest.raises(RunError, match=r"\(model, seed differ\)"):
        open_run(folder, {**CONFIG, "seed": 1, "model": {"lr": 2.0}})
    anew = open_run(folder, {**CONFIG, "seed": 1}, fresh=True)
    assert not anew.has(SPLIT)
    assert yaml.safe_load((folder / "config.yaml").read_text())["seed"] == 1


def test_a_run_is_loaded_as_it_was_made(tmp_path):
    open_run(tmp_path / "run", CONFIG)
    run = load_run(str(tmp_path / "run"))
    assert run.config == CONFIG
    assert run.folder == tmp_path / "run"


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    for fresh in (False, True):
        with pytest.raises(RunError, match="neither empty nor a run folder"):
            open_run(tmp_path, CONFIG, fresh=fresh)
    (tmp_path / "config.yaml").write_text("theme: minimal\n")
    with pytest.raises(RunError, match="is not a run's"):
        open_run(tmp_path, CONFIG, fresh=True)
    assert (tmp_path / "thesis.txt").is_file()
    (tmp_path / "config.yaml").unlink()
    with pytest.raises(RunError, match="no run folder"):
        load_run(tmp_path)


def test_identity_follows_what_shapes_the_numbers():
    assert identity(CONFIG) == identity({**CONFIG, "paths": {}, "logger": {}, "fresh": True})
    assert identity(CONFIG) != identity({**CONFIG, "seed": 1})
