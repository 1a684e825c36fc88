"""The audit: a sound run passes, and every changed file is named."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vqa.databases.records import Database, VideoRecord
from vqa.protocols.splits import Split
from vqa.runs.audit import audit, dependent_scores, digest
from vqa.runs.hashes import file_hashes
from vqa.runs.inputs import described
from vqa.runs.opening import open_run
from vqa.training.learners.base import Prediction

CONFIG = {"name": "a", "seed": 0, "model": {"lr": 1.0}}
VIDEOS = tuple(
    VideoRecord(
        f"v{k:02}.mp4", Path(f"v{k:02}.mp4"), 1 + k / 10, content=f"scene{k // 2}", group="g"
    )
    for k in range(40)
)


def splits(group_by="content"):
    names = [video.id for video in VIDEOS]
    return [
        Split(f"split{k}", tuple(names[:10] + names[20:]), (), tuple(names[10:20]), group_by, k)
        for k in range(2)
    ]


@pytest.fixture
def run(tmp_path):
    return make(tmp_path / "run", splits())


def make(folder, chosen, mos=lambda video: video.mos):
    rng = np.random.default_rng(0)
    made = open_run(folder, CONFIG)
    database = Database("fake", (1.0, 5.0), VIDEOS)
    made.hold(described(database, {video.id: video.id * 2 for video in VIDEOS}, {}))
    made.describe(database)
    made.list_videos(VIDEOS, lambda video: {"source": video.id * 2, "codec": "h264"})
    by_id = {video.id: video for video in VIDEOS}
    for split in chosen:
        made.begin(split)
        rows = [
            Prediction(name, mos(by_id[name]), by_id[name].mos + rng.normal(0, 0.3))
            for name in split.test
        ]
        made.record(split.name, rows)
    made.finish()
    return made


def faults(run):
    return {finding.check: finding.fault for finding in audit(run) if finding.fault}


def test_a_sound_run_holds(run):
    assert faults(run) == {}
    assert len(audit(run)) == 9
    assert len(digest(run)) == 64


@pytest.mark.parametrize(
    "name", ["predictions.csv", "split1/predictions.csv", "results.json", "splits/split0.json"]
)
def test_a_changed_file_is_named(run, name):
    path = run.folder / name
    text = path.read_text()
    position = max(k for k, letter in enumerate(text) if letter in "12345")
    path.write_text(text[:position] + "9" + text[position + 1 :])
    assert f"{name} was changed" in faults(run)["files are those that the run wrote"]


def test_lost_and_added_files_are_named(run):
    (run.folder / "videos.csv").rename(run.folder / "split0" / "history.csv")
    fault = faults(run)["files are those that the run wrote"]
    assert "videos.csv is gone" in fault
    assert "split0/history.csv was added" in fault


def test_a_better_score_is_found_even_with_new_hashes(run):
    """One prediction is improved in all files, and the manifest is renewed."""
    for path in (run.folder / "predictions.csv", run.folder / "split0" / "predictions.csv"):
        table = pd.read_csv(path)
        table.loc[0, "score"] = table.loc[0, "mos"]
        table.to_csv(path, index=False)
    renew(run)
    assert list(faults(run)) == ["results follow from the predictions"]
    assert "first splits.split0" in faults(run)["results follow from the predictions"]


def test_a_run_without_a_newer_metric_holds(run):
    """Older versions computed fewer metrics; what they stored is compared."""
    content = json.loads((run.folder / "results.json").read_text())
    for part in (*content["splits"].values(), content["summary"]):
        del part["further"]
    (run.folder / "results.json").write_text(json.dumps(content))
    renew(run)
    assert faults(run) == {}
    content["splits"]["split1"]["krocc"] += 0.01
    (run.folder / "results.json").write_text(json.dumps(content))
    renew(run)
    fault = faults(run)["results follow from the predictions"]
    assert "1 numbers differ, first splits.split1.krocc" in fault


def test_a_metric_removed_from_the_summary_alone_is_found(run):
    content = json.loads((run.folder / "results.json").read_text())
    del content["summary"]["median"]["krocc"]
    (run.folder / "results.json").write_text(json.dumps(content))
    renew(run)
    assert "numbers differ" in faults(run)["results follow from the predictions"]


def test_results_that_were_emptied_are_found(run):
    (run.folder / "results.json").write_text("null")
    renew(run)
    fault = faults(run)["results follow from the predictions"]
    assert fault == "results.json holds nothing, but videos were tested"


def test_a_prediction_that_differs_between_files_is_named(run):
    path = run.folder / "split1" / "predictions.csv"
    table = pd.read_csv(path)
    table.loc[3, "score"] += 0.1
    table.to_csv(path, index=False)
    renew(run)
    fault = faults(run)["predictions are those of the splits"]
    assert f"{table.loc[3, 'video']} of split1" in fault


def test_a_dropped_hard_video_is_named(run):
    for path in (run.folder / "predictions.csv", run.folder / "split0" / "predictions.csv"):
        table = pd.read_csv(path)
        table.drop(index=2).to_csv(path, index=False)
    renew(run)
    fault = faults(run)["predictions are those of the splits"]
    assert "test videos without a prediction: v12.mp4" in fault


def test_permuted_labels_are_found(tmp_path):
    shuffled = dict(zip(VIDEOS, reversed(VIDEOS), strict=True))
    run = make(tmp_path / "run", splits(), mos=lambda video: shuffled[video].mos)
    fault = faults(run)["MOS are those of the label table"]
    assert "split0: the MOS of 10 predictions is not the database's" in fault


def test_scenes_on_both_sides_are_counted(tmp_path):
    names = [video.id for video in VIDEOS]
    leaky = Split("split0", tuple(names[::2]), (), tuple(names[1::2]), "video", 0)
    run = make(tmp_path / "run", [leaky])
    fault = faults(run)["no scene is in training and test"]
    assert "split by video: 20 of 20 test videos show a scene of the training part" in fault


def test_an_edited_split_is_found_even_with_new_hashes(run):
    path = run.folder / "splits" / "split0.json"
    content = json.loads(path.read_text())
    content["train"].append(content["test"].pop())
    path.write_text(json.dumps(content))
    renew(run)
    assert "split0.json: the content has hash" in faults(run)["splits match their hashes"]


def renew(run):
    """Renew the manifest, as a careful forger would."""
    (run.folder / "manifest.json").write_text(json.dumps(file_hashes(run.folder)))


def test_a_scaler_fitted_on_the_test_part_is_found():
    features = {f"v{k}": float(k) for k in range(5)}

    def scaled(names):
        low, high = min(features[n] for n in names), max(features[n] for n in names)
        return {n: (features[n] - low) / ((high - low) or 1) for n in names}

    def fitted_before(names):
        return {n: features[n] / 4 for n in names}

    for predict, sound in ((scaled, False), (fitted_before, True)):
        stored = predict(list(features))
        found = list(dependent_scores("split0", stored, lambda n, predict=predict: predict([n])[n]))
        assert (found == []) == sound
    assert "4 of 5 videos have another score alone, first v1: stored 0.25, alone 0" in found_by(
        scaled
    )


def found_by(predict):
    names = [f"v{k}" for k in range(5)]
    return next(dependent_scores("s", predict(names), lambda name: predict([name])[name]))
