"""Why a score is what it is: what each model tells, checked by scoring again."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

import vqa
from tests.clips import write_clip
from tests.commands.calling import Failed, run
from vqa.commands.scoring import explanation
from vqa.commands.scoring.display import why
from vqa.commands.scoring.explanation import ONLY_MOMENTS, explained
from vqa.commands.scoring.scorer import Scorer
from vqa.databases.records import VideoRecord
from vqa.evaluation.metrics.curves import Curve
from vqa.features.extraction.feature_source import FeatureSource
from vqa.features.openclip import OpenClipWindows
from vqa.models.clifvqa import CLiFVQA
from vqa.models.fastvqa import FastVQA
from vqa.models.vsfa import VSFA
from vqa.training.learners.neural import NeuralLearner
from vqa.training.learners.scoring import ScoringNetwork

DESCRIPTIONS = {"objective": ["sharp", "blurred", "noisy"], "subjective": ["joyful", "boring"]}
CHANNELS, STEPS = 5, 4


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    write_clip(path, frames=40)
    return path


@pytest.fixture(scope="module")
def scored(clip):
    return vqa.load("ugc", device="cpu", explain=True)(clip)


def backbone():
    return nn.Conv3d(3, CHANNELS, (2, 4, 4), (2, 4, 4))


def learner_of(network, dim=None):
    learner = NeuralLearner(None, None, None, None)
    learner.module = ScoringNetwork(network, input_dim=dim, mos_scale=2.0, mos_offset=1.0).eval()
    return learner


def clips(count=4):
    generator = torch.Generator().manual_seed(3)
    shape = (1, count, 4, 12, 12, 3)
    return torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)


def no_features():
    return SimpleNamespace(uses_features=False)


def explain(learner, inputs, experiment, path="absent.mp4", curve=np.asarray):
    _, quality = learner.assess(inputs)
    quality = curve(quality)
    times_s = np.arange(len(quality)) + 0.5
    record = VideoRecord(str(path), path, 3.0)
    return explained([(learner, curve)], experiment, record, inputs, times_s, quality), quality


def test_what_the_embedded_model_tells(scored):
    told = scored.explanation
    assert {one["kind"] for one in told["causes"]} >= {"sharpness", "noise", "colour", "motion"}
    effects = [one["effect"] for one in told["causes"]]
    assert effects == sorted(effects)
    worst = min(zip(scored.frame_quality, scored.times_s, strict=True))
    moments = [(one["quality"], one["time_s"]) for one in told["moments"]]
    assert min(moments) == pytest.approx(worst)
    assert told["main_cause"].keys() == {"kind", "text"}
    assert not [one for one in told["remarks"] if "main cause" in one]
    entry = json.loads(json.dumps(scored.entry(), allow_nan=False))
    assert entry["explanation"] == told
    assert why(told).startswith(f"why: worst moment {worst[0]:.2f} at {worst[1]:.1f} s")


def test_the_line_names_the_main_cause_where_it_is_not_the_most_harmful_group():
    def line(effect, kind):
        told = {"moments": [], "descriptions": [], "remarks": ["the picture is dark"]}
        told["causes"] = [{"kind": "noise", "effect": effect}]
        return why(told | {"main_cause": {"kind": kind, "text": "a sentence"}})

    assert line(-0.3, "noise") == "why: noise pulls down by 0.30"
    assert line(-0.3, "motion") == "why: noise pulls down by 0.30; a sentence"
    assert line(-0.01, "noise") == "why: noise pulls down by 0.01; a sentence"
    assert line(-0.01, None) == "why: noise pulls down by 0.01; a sentence"
    assert line(0.1, "noise") == "why: a sentence"


def test_without_asking_rows_are_as_before(clip, scored):
    scorer = vqa.load("ugc", device="cpu")
    assert scorer.identity != vqa.load("ugc", device="cpu", explain=True).identity
    plain = scorer(clip).entry()
    assert "explanation" not in plain
    explained_row = scored.entry()
    del explained_row["explanation"]
    assert explained_row == plain


def test_a_fault_in_explaining_costs_no_score(clip, monkeypatch):
    def fail(*given):
        raise ValueError("what happened")

    monkeypatch.setattr(explanation, "causes", fail)
    score = vqa.load("ugc", device="cpu", explain=True)(clip)
    assert score.value is not None
    assert score.explanation["causes"] == []
    assert score.explanation["main_cause"] is None
    assert score.explanation["remarks"] == ["no causes: what happened"]


def test_local_quality_of_fast_vqa_averages_to_the_clips_quality():
    torch.manual_seed(0)
    learner = learner_of(FastVQA(backbone, CHANNELS, 4))
    told, quality = explain(learner, {"fragments": clips()}, no_features())
    assert len(told["maps"]) == 3
    for one in told["maps"]:
        assert np.shape(one["values"]) == (3, 3)
        assert np.mean(one["values"]) == pytest.approx(quality[int(one["time_s"])], abs=1e-4)
    assert told["descriptions"] == told["causes"] == told["remarks"] == []
    assert [one["time_s"] for one in told["maps"]] == [one["time_s"] for one in told["moments"]]


@pytest.fixture(scope="module")
def openclip():
    """An experiment of one source: the toy CLIP with five descriptions."""
    extractor = OpenClipWindows("toy", "random", descriptions=DESCRIPTIONS, device="cpu")
    source = FeatureSource.in_cache(extractor, None, "auto")
    return SimpleNamespace(uses_features=True, sources=SimpleNamespace(sources=[source]))


@pytest.mark.parametrize("branches", ["both", "semantic"])
def test_descriptions_of_clif_vqa_move_the_score_by_what_is_said(branches, openclip, clip):
    torch.manual_seed(1)
    options = {"steps": STEPS, "backbone_channels": CHANNELS, "map_size": (2, 3, 3)}
    network = CLiFVQA(10, None if branches == "semantic" else backbone, branches, **options)
    learner = learner_of(network, 10)
    curve = Curve("logistic4", (5.0, 1.0, 1.2, 0.5))
    features = torch.rand(1, 6, 10, generator=torch.Generator().manual_seed(2))
    inputs = {"features": features, "lengths": torch.tensor([6])}
    if branches == "both":
        inputs["fragments"] = clips()
    told, _ = explain(learner, inputs, openclip, clip, curve)
    assert len(told["descriptions"]) == 5
    names = [name for group in DESCRIPTIONS.values() for name in group]
    before = curve(learner.assess(inputs)[0])
    for one in told["descriptions"]:
        place = names.index(one["text"])
        changed = features.clone()
        changed[..., [place, 5 + place]] = 1 / 5
        after = curve(learner.assess({**inputs, "features": changed})[0])
        assert one["change"] == pytest.approx(float(before - after), abs=1e-5)
        assert one["set"] == ("objective" if place < 3 else "subjective")
    changes = [one["change"] for one in told["descriptions"]]
    assert changes == sorted(changes)
    fits = [one for one in told["maps"] if one["title"].startswith("fit of")]
    assert len(fits) == 2  # of each set, the one that lowers the score most
    assert all(0 <= value <= 1 for one in fits for row in one["values"] for value in row)


def test_a_network_of_sequences_tells_only_its_moments():
    learner = learner_of(VSFA(8), 8)
    inputs = {"features": torch.rand(1, 30, 8), "lengths": torch.tensor([30])}
    told, _ = explain(learner, inputs, no_features())
    assert len(told["moments"]) == 3
    assert told["remarks"] == [ONLY_MOMENTS]
    assert told["main_cause"] is None


def test_the_command_says_why_and_writes_a_page(clip, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run("score", clip, "--explain", "-o", "out.csv")
    assert "why: worst moment" in capsys.readouterr().out
    page = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert "What pulls the score down or lifts it" in page
    assert "statistics as of a blurred picture" in page
    assert page.count("main cause: ") == 1
    assert "explanation" not in (tmp_path / "out.csv").read_text(encoding="utf-8")
    for words in ([], ["--html", "page.html"], ["--json"], ["--engine", "slurm"]):
        with pytest.raises(Failed, match=r"a dataset holds no explanations.* -o scores\.jsonl"):
            run("score", clip, "--explain", "-o", "scores/", *words)
    assert not (tmp_path / "scores").exists()


@pytest.mark.parametrize(
    ("words", "page"),
    [
        (["--csv", "a.csv"], "a.html"),
        (["--parquet", "a.parquet", "--timeline", "t.csv"], "a.html"),
        (["--timeline", "t.csv"], "t.html"),
        (["--timeline", "t.csv", "--csv", "a.csv"], "a.html"),
        (["-o", "o.parquet", "--csv", "a.csv"], "o.html"),
        (["--csv", "a.csv", "--shard", "1/2"], "a.1-of-2.html"),
        (["--csv", "a.csv", "--html", "own.html"], "own.html"),
        (["--csv", "a.csv", "-o", "o.json"], None),
        (["--csv", "a.csv", "--json"], None),
    ],
)
def test_tables_have_a_page_of_reasons_beside_the_first(words, page, clip, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run("score", clip, "--explain", *words)
    pages = [one.name for one in tmp_path.glob("*.html")]
    assert pages == ([] if page is None else [page])
    for one in pages:
        assert "main cause: " in (tmp_path / one).read_text(encoding="utf-8")
    assert not list(tmp_path.glob("*.partial"))
    run("score", clip, "--explain", *words)  # replaces its own outputs


def test_a_page_beside_a_table_replaces_nothing_else(clip, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.html").write_text("my page", encoding="utf-8")
    for words in (["-o", "a.csv"], ["--csv", "a.csv"], ["--timeline", "a.csv"]):
        with pytest.raises(Failed, match=r"a\.html: this file exists and holds no scores"):
            run("score", clip, "--explain", *words)
    assert [one.name for one in tmp_path.iterdir()] == ["a.html"]
    assert (tmp_path / "a.html").read_text(encoding="utf-8") == "my page"


@pytest.fixture
def stopped(clip, tmp_path, monkeypatch):
    """Start a job of two videos and stop it after the first; return the words of its rerun."""
    monkeypatch.chdir(tmp_path)
    write_clip(tmp_path / "two.mp4", frames=10)
    real = Scorer.score

    def stops(self, videos, **options):
        yield next(real(self, videos, **options))
        raise KeyboardInterrupt

    def start(*outputs):
        words = ["score", clip, "two.mp4", "--explain", *outputs]
        with monkeypatch.context() as patched:
            patched.setattr(Scorer, "score", stops)
            with pytest.raises(Failed):
                run(*words)
        return words

    return start


def test_rows_of_an_earlier_start_keep_their_explanation(stopped, tmp_path):
    run(*stopped("-o", "out.jsonl"))
    rows = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    assert [bool(json.loads(row)["explanation"]["moments"]) for row in rows] == [True, True]


@pytest.mark.parametrize("form", ["-o", "--csv", "--timeline"])
def test_a_resumed_job_writes_its_page_beside_the_table(form, stopped, tmp_path, capsys):
    words = stopped(form, "out.csv")
    partial = tmp_path / "out.csv.partial"
    (line,) = partial.read_text(encoding="utf-8").splitlines()
    row = json.loads(line)
    told = row["entry"]["explanation"]  # as it was before main causes had a key
    told["remarks"].insert(0, told.pop("main_cause")["text"])
    partial.write_text(json.dumps(row) + "\n", encoding="utf-8")
    capsys.readouterr()
    run(*words)
    assert "2 of 2 files scored, 1 by an earlier start" in capsys.readouterr().out
    assert not partial.exists()
    page = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert page.count("main cause: ") == 2
