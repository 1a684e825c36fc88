"""Published checkpoints through the commands: authors' scores, whole clips, comparisons, errors."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.models import resnet50

from tests.clips import write_clip
from tests.commands.calling import Failed, run
from tests.models.pretrained.test_published_models import (
    KONVID_FILE,
    authors_file,
    fastvqa_state,
    mdtvsfa_state,
    saved,
    vsfa_state,
)
from tests.models.test_gstvqa import LENGTHS, VIDEO_SCORES, golden_batch, published_fill  # noqa: F401
from tests.models.test_mdtvsfa import MAPPED
from tests.models.test_vsfa import GOLDEN, sine
from vqa.commands.configuration import UsageError
from vqa.commands.published import published_run
from vqa.models.pretrained.weights import WeightsError
from vqa.runs.calibration import Calibration
from vqa.runs.used_features import untrained_features


def rated(place, sequences):
    """A folder of feature sequences by video, and a table that rates them."""
    (place / "features").mkdir()
    rows = [["video", "mos"]]
    for number, sequence in enumerate(sequences):
        np.save(place / "features" / f"v{number}.npy", np.asarray(sequence))
        rows.append([f"v{number}.mp4", 1 + number * 3 / len(sequences)])
    with (place / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)


def evaluate(place, model, weights, *overrides):
    """Test published weights on feature sequences; returns the scores by video, and the folder."""
    run(
        "evaluate", f"model={model}", f"weights={weights}", "data=csv", "data.missing=keep",
        f"data.labels={place / 'labels.csv'}", "data.mos_range=[1,5]", "features=external",
        f"features.external.path={place / 'features'}", f"paths.runs={place / 'runs'}",
        f"paths.cache={place / 'cache'}", *overrides,
    )  # fmt: skip
    (folder,) = (place / "runs").glob(f"{model}-*/evaluations/csv")
    with (folder / "predictions.csv").open() as file:
        return {row["video"]: float(row["score"]) for row in csv.DictReader(file)}, folder


def test_the_authors_scores_come_through_the_command(tmp_path):
    rated(tmp_path, [sine(length) for length in GOLDEN])
    scores, folder = evaluate(tmp_path, "vsfa", authors_file("VSFA.pt"))
    assert list(scores.values()) == pytest.approx(list(GOLDEN.values()), abs=1e-5)
    results = json.loads((folder / "results.json").read_text())
    assert results["splits"]["published"]["n"] == len(GOLDEN)
    assert (folder / "report.html").is_file()

    scores, folder = evaluate(tmp_path, "mdtvsfa", authors_file("MDTVSFA.pt"))
    assert scores["v0.mp4"] == pytest.approx(MAPPED, abs=1e-5)
    assert "livevqc" in json.loads((folder / "notes.json").read_text())[0]

    # The two have no training video among these, so they are compared on all of them.
    folders = [path for path in (tmp_path / "runs").glob("*/evaluations/csv")]
    run("compare", *folders, "--output", tmp_path / "comparison")
    found = json.loads((tmp_path / "comparison" / "comparison.json").read_text())
    assert found["shared"]["videos"] == len(GOLDEN)


def test_gstvqa_and_mdtvsfa_of_any_size_come_through_the_command(tmp_path, golden_batch):  # noqa: F811
    features, _ = golden_batch
    pairs = zip(features, LENGTHS, strict=True)
    rated(tmp_path, [sequence[:length] for sequence, length in pairs])
    weights = saved(tmp_path / KONVID_FILE, published_fill())
    scores, _ = evaluate(tmp_path, "gstvqa", weights)
    assert list(scores.values()) == pytest.approx(VIDEO_SCORES, rel=1e-3)


def test_weights_that_are_not_the_authors_say_that_their_scale_is_unknown(tmp_path):
    rated(tmp_path, torch.randn(4, 9, 16, generator=torch.Generator().manual_seed(0)))
    own = {"model.network.reduced_dim": 8, "model.network.hidden_dim": 4}
    sizes = [f"+{key}={value}" for key, value in own.items()]
    weights = saved(tmp_path / "VSFA.pt", vsfa_state())
    scores, folder = evaluate(tmp_path, "vsfa", weights, *sizes)
    assert len(scores) == 4
    assert not (folder.parents[1] / "calibration.json").exists()
    assert "scale of its scores are unknown" in (folder / "notes.json").read_text()
    weights = saved(tmp_path / "other.pt", mdtvsfa_state())
    scores, folder = evaluate(tmp_path, "mdtvsfa", weights, *sizes)
    assert all(0 < score < 1 for score in scores.values())


def test_a_database_of_the_training_is_said_to_be_one(tmp_path):
    rated(tmp_path, [sine(length) for length in GOLDEN])
    run(
        "evaluate", "model=vsfa", f"weights={authors_file('VSFA.pt')}", "data=csv",
        "data.missing=keep", "data.name=konvid", f"data.labels={tmp_path / 'labels.csv'}",
        "data.mos_range=[1,5]", "features=external",
        f"features.external.path={tmp_path / 'features'}", f"paths.runs={tmp_path / 'runs'}",
        f"paths.cache={tmp_path / 'cache'}",
    )  # fmt: skip
    (notes,) = (tmp_path / "runs").glob("vsfa-*/evaluations/konvid/notes.json")
    assert "vsfa was trained on videos of konvid" in notes.read_text()


def clip(place):
    path = place / "clip.mp4"
    write_clip(path, 12)
    return path


@pytest.mark.slow
def test_a_clip_is_scored_with_a_backbone_file(tmp_path):
    torch.manual_seed(0)
    backbone = saved(tmp_path / "resnet50.pth", resnet50().state_dict())
    output = tmp_path / "scores.json"
    place = published_run(
        "vsfa", authors_file("VSFA.pt"), backbone_weights=backbone, cache=tmp_path / "cache"
    )
    run("score", place.folder, clip(tmp_path), "--output", output, "--cache", tmp_path / "cache")
    (row,) = json.loads(output.read_text())["videos"]
    assert row["error"] in (None, "")
    assert row["score"] == pytest.approx(4.64 * row["raw"], abs=0.02)
    assert 1 <= row["score"] <= 5
    assert row["interval"] is None
    again = published_run(
        "vsfa", authors_file("VSFA.pt"), backbone_weights=backbone, cache=tmp_path / "cache"
    )
    assert again.folder == place.folder
    torch.manual_seed(1)
    other = saved(tmp_path / "resnet50.pth", resnet50().state_dict())
    changed = published_run(
        "vsfa", authors_file("VSFA.pt"), backbone_weights=other, cache=tmp_path / "cache"
    )
    assert changed.folder != place.folder


@pytest.mark.slow
def test_fastvqa_scores_a_clip_on_the_published_display(tmp_path):
    weights = saved(tmp_path / "FAST_VQA_B_1_4.pth", {"state_dict": fastvqa_state()})
    place = published_run(
        "fastvqa", weights, cache=tmp_path / "cache", overrides=["views.fragments.num_clips=1"]
    )
    assert Calibration.load(place.folder).meaning == "published rescaling for display, no MOS"
    output = tmp_path / "scores.json"
    run("score", place.folder, clip(tmp_path), "--output", output, "--cache", tmp_path / "cache")
    (row,) = json.loads(output.read_text())["videos"]
    expected = 1 / (1 + np.exp(-(row["raw"] + 0.110198185) / 0.04178565))
    assert row["score"] == pytest.approx(expected, abs=1e-6)


def test_fastervqa_takes_one_clip(tmp_path):
    weights = saved(tmp_path / "FAST_VQA_3D_1_1.pth", {"state_dict": fastvqa_state()})
    place = published_run("fastvqa", weights, cache=tmp_path / "cache")
    clips = place.config["views"]["fragments"]
    assert (clips["num_clips"], clips["time_fragments"], clips["aligned"]) == (1, 8, 8)


def test_random_weights_of_the_backbone_are_said(tmp_path):
    place = published_run(
        "vsfa", saved(tmp_path / "VSFA.pt", vsfa_state()), backbone_weights="random", cache=tmp_path
    )
    assert place.config["features"]["resnet50"]["extractor"]["weights"] == "random"
    assert untrained_features(place.folder) == ["resnet50"]


def test_mistakes_are_one_line(tmp_path):
    weights = saved(tmp_path / "VSFA.pt", vsfa_state())
    with pytest.raises(Failed, match=r"^error: .*VSFA.pt is a checkpoint of VSFA: .*model=vsfa"):
        run("evaluate", "model=gstvqa", f"weights={weights}", "data=csv", "data.labels=x.csv")
    with pytest.raises(Failed, match=r"^error: expected model=<name> and weights=<file> together"):
        run("evaluate", f"weights={weights}")
    with pytest.raises(Failed, match="expected one of run="):
        run("evaluate", "model=vsfa")
    with pytest.raises(WeightsError, match=r"no backbone weights at .*absent.pth: expected a file"):
        published_run("vsfa", weights, backbone_weights=tmp_path / "absent.pth", cache=tmp_path)
    fast = saved(tmp_path / "FAST_VQA_B_1_4.pth", {"state_dict": fastvqa_state()})
    with pytest.raises(UsageError, match="has no backbone of its own"):
        published_run("fastvqa", fast, backbone_weights=weights, cache=tmp_path)
    assert not list(Path(tmp_path).glob("models/.*"))
