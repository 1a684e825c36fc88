"""Nothing is reused for other inputs: labels, files, matrices, weights are compared by content."""

import json
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.clips import overwrite
from tests.commands.calling import Failed, run
from tests.fakes import graded_clips
from vqa.features.extraction.decoding_thread import DecodingThread
from vqa.files import content_hash

SETTINGS = ("data=csv", "data.mos_range=[1,5]", "model=svr", "threads=1")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Own clips, a run that was trained on them, and their features."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(graded_clips(tmp_path_factory.mktemp("own")))
        train()
        return Path.cwd()


@pytest.fixture
def place(made, tmp_path, monkeypatch):
    """A copy of the clips and their features, in the current folder."""
    shutil.copytree(made, tmp_path / "own", ignore=shutil.ignore_patterns("run"))
    monkeypatch.chdir(tmp_path / "own")
    return tmp_path / "own"


@pytest.fixture
def trained(made, place):
    """The same with the run."""
    shutil.copytree(made / "run", place / "run")
    return place


def train(*overrides, folder="run", features="multiscale"):
    run(
        "train",
        *SETTINGS,
        f"features={features}",
        "data.labels=labels.csv",
        f"folder={folder}",
        *overrides,
    )


def evaluate(*overrides):
    run("evaluate", "run=run", "data=csv", "data.mos_range=[1,5]", *overrides)


def correct_labels(path="labels.csv"):
    """Turn the MOS upside down."""
    table = pd.read_csv(path)
    table["mos"] = 6 - table["mos"]
    table.to_csv(path, index=False)


def refused(message, job, *arguments):
    """A command is refused in one line with this message; nothing that was stored changes."""
    stored = {path: path.read_bytes() for path in _stored()}
    with pytest.raises(Failed, match=message) as failure:
        job(*arguments)
    assert failure.value.status == 2
    assert len(str(failure.value).splitlines()) == 1
    assert {path: path.read_bytes() for path in _stored()} == stored


def _stored():
    return [path for path in Path("run").rglob("*") if path.is_file()]


def test_corrected_labels_are_not_answered_with_the_old_table(trained, capsys):
    before = pd.read_csv("run/predictions.csv")
    train()
    assert "SROCC" in capsys.readouterr().out
    correct_labels()
    refused(r"another MOS for 8 videos \(videos/clip0\.mp4, .*fresh=true", train)
    train("fresh=true")
    after = pd.read_csv("run/predictions.csv")
    np.testing.assert_allclose(after["mos"], 6 - before["mos"], atol=1e-9)


def test_a_half_finished_run_does_not_mix_old_and_new_labels(place):
    shards = ("protocol=repeated", "protocol.count=2")
    train(*shards, "shard=1/2")
    correct_labels()
    refused("another MOS", lambda: train(*shards, "shard=2/2"))


def test_a_replaced_file_a_new_row_and_another_split_column_are_named(trained):
    shutil.copy("videos/clip1.mp4", "videos/clip0.mp4")
    refused(r"another file for 1 video \(videos/clip0\.mp4\)", train)
    shutil.copy("videos/clip2.mp4", "videos/new.mp4")
    with Path("labels.csv").open("a", encoding="utf-8") as file:
        file.write("videos/new.mp4,3,scene9\n")
    refused(r"1 video \(videos/new\.mp4\) new in the label table", train)
    shutil.rmtree("videos")
    refused("not on disk", train)


def test_a_changed_matrix_of_features_is_named(place):
    table = pd.read_csv("labels.csv")[["video"]].assign(a=np.arange(9.0))
    table.to_csv("feats.csv", index=False)
    again = partial(train, "features.external.path=feats.csv", features="external")
    again()
    table.assign(a=table["a"] + 1).to_csv("feats.csv", index=False)
    refused(r"another content of features\.external\.path", again)


def test_a_test_on_another_database_is_not_reused_for_other_labels(place, tmp_path):
    train("protocol=full")
    graded_clips(tmp_path / "other", seed=1)
    other = ("data.name=other", f"data.labels={tmp_path / 'other' / 'labels.csv'}")
    evaluate(*other)
    correct_labels(tmp_path / "other" / "labels.csv")
    refused("another MOS", evaluate, *other)
    evaluate(*other, "fresh=true")
    train("protocol=full", "model.seed=1", "fresh=true")
    assert not (place / "run" / "evaluations").exists()


def test_another_database_of_the_same_name_is_not_taken_for_the_runs_own(trained, tmp_path):
    graded_clips(tmp_path / "other", seed=1)
    other = f"data.labels={tmp_path / 'other' / 'labels.csv'}"
    refused(
        r"no longer the database that run was trained on .*another data\.name=", evaluate, other
    )


def test_a_database_that_was_trained_on_leaves_nothing_to_test(trained):
    labels = ("data.name=other", "data.labels=labels.csv")
    refused("all 9 videos of other are files that run was trained on", evaluate, *labels)


@pytest.mark.parametrize("name", ["model.safetensors", "learner.json"])
def test_one_flipped_bit_in_a_model_is_refused_wherever_it_is_used(trained, capsys, name):
    path = trained / "run" / "split0" / name
    data = path.read_bytes()
    middle = len(data) // 2
    overwrite(path, middle, bytes([data[middle] ^ 1]))
    words = f"{name} is not the file that the run wrote"
    refused(words, run, "score", "run", "videos/clip0.mp4", "-o", trained / "scores.csv")
    refused(words, evaluate, "data.labels=labels.csv")
    with pytest.raises(Failed):
        run("verify", "run", "--rescore", 1)
    assert words in capsys.readouterr().out
    overwrite(path, middle, data[middle : middle + 1])
    overwrite(trained / "run" / "database.json", 2, b"N")
    refused(r"database\.json is not the file", run, "score", "run", "videos/clip0.mp4")


def test_equal_files_under_two_names_stay_in_one_part_and_are_noted(place, capsys):
    table = pd.read_csv("labels.csv")
    for name in table["video"]:
        shutil.copy(name, name.replace("clip", "twin"))
    twins = table.assign(video=table["video"].str.replace("clip", "twin"))
    pd.concat([table, twins]).drop(columns="content").to_csv("labels.csv", index=False)
    train("protocol=repeated", "protocol.count=3")
    leaks = json.loads((place / "run" / "leaks.json").read_text())
    assert leaks["twins"] == {"files": 9, "videos": 18, "leaked": {}}
    assert leaks["leaked"] == 0 < leaks["leaked_by_video"]
    assert "NOTE: 9 files have several names (18 videos)" in capsys.readouterr().out
    run("verify", "run")
    train("protocol=repeated", "protocol.count=3", "protocol.group_by=video", folder="naive")
    assert "WARNING: " in capsys.readouterr().out
    leaked = json.loads((place / "naive" / "leaks.json").read_text())["twins"]["leaked"]
    assert set(leaked) <= {"split0", "split1", "split2"} != set()
    with pytest.raises(Failed):
        run("verify", "naive")
    assert "are in the training part as well" in capsys.readouterr().out


def test_sampled_identities_are_noted_and_never_taken_for_content(place, tmp_path):
    train("data.identity=sampled", "protocol=full")
    videos = json.loads(Path("run/inputs.json").read_text(encoding="utf-8"))["videos"]
    table = pd.read_csv("run/videos.csv").set_index("video")["source"]
    assert {name: facts["source"] for name, facts in videos.items()} == table.to_dict()
    assert all(source.startswith("sampled:") for source in table)
    refused(
        "identified by data.identity=sampled and are now by data.identity=content",
        partial(train, "protocol=full"),
    )
    Path("videos/clip0.mp4").touch()
    refused("another file for 1 video", partial(train, "data.identity=sampled", "protocol=full"))
    graded_clips(tmp_path / "other", seed=1)
    evaluate("data.name=other", f"data.labels={tmp_path / 'other' / 'labels.csv'}")
    notes = Path("run/evaluations/other/notes.json").read_text(encoding="utf-8")
    assert "whether files of this test were trained on is unknown" in notes


def test_a_new_run_hashes_beside_decoding_and_stores_what_it_decoded(place, monkeypatch):
    stored, decode = [], DecodingThread._decode

    def watched(self, decoder, video):
        stored.append(Path("run/inputs.json").exists())
        decode(self, decoder, video)

    monkeypatch.setattr(DecodingThread, "_decode", watched)
    train("shard=1/2", "protocol=repeated", "protocol.count=2")
    assert stored == [False] * 9
    inputs = json.loads(Path("run/inputs.json").read_text(encoding="utf-8"))
    for name, facts in inputs["videos"].items():
        assert facts["source"] == content_hash(name)
    train("shard=2/2", "protocol=repeated", "protocol.count=2")
    assert stored[9:] == [True] * 9


def test_packed_features_are_reused_by_every_command(place, capsys):
    extract = ("data=csv", "data.labels=labels.csv", "data.mos_range=[1,5]", "features=multiscale")
    for shard in ("1/2", "2/2"):
        run("extract", *extract, f"shard={shard}", "pack=true")
    run("extract", "videos=videos", "features=multiscale", "pack=true")
    lines = [line for line in capsys.readouterr().out.splitlines() if "packed" in line]
    assert [line.split()[0] for line in lines] == ["5", "4", "0"]
    assert not list(Path("cache").rglob("*.safetensors"))
    assert len(list(Path("cache").rglob("*.tar"))) == 2
    run("extract", *extract)
    assert "0 made, 9 found, 0 failed" in capsys.readouterr().out
    train()
    assert not list(Path("cache").rglob("*.safetensors"))
