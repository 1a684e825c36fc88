"""CLiF-VQA and FAST-VQA through the entry scripts, in toy size on real clips."""

import json

import pandas as pd
import pytest
from safetensors.torch import load_file

import vqa
from tests.commands.calling import Failed, call, composed
from tests.fakes import graded_clips
from tests.places import ROOT

TOY = [
    "data=csv",
    "data.mos_range=[1,5]",
    "protocol.test_fraction=0.34",
    "trainer.max_epochs=2",
    "loader.batch_size=4",
    "loader.num_workers=0",
    "views.fragments.clip_length=4",
    "views.fragments.grid_size=2",
    "views.fragments.num_clips=2",
    "model.network.backbone.embed_dim=8",
    "model.network.backbone.depths=[1,1]",
    "model.network.backbone.num_heads=[1,2]",
    "model.network.backbone.window_size=[2,4,4]",
    "model.network.backbone.gated_stages=1",
    "model.start.weights=random",
]
MODELS = {
    "fastvqa": ["model=fastvqa", "model.network.channels=16"],
    "clifvqa": [
        "model=clifvqa",
        "features=multiscale",
        "model.network.backbone_channels=16",
        "model.network.map_size=[2,8,8]",
        "model.network.steps=8",
    ],
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return graded_clips(tmp_path_factory.mktemp("own"))


def train(place, model, name, *more):
    folder = place / name
    labels = f"data.labels={place / 'labels.csv'}"
    call("train", place, *MODELS[model], *TOY, labels, f"folder={folder}", *more)
    return folder


@pytest.fixture(scope="module")
def runs(place):
    return {model: train(place, model, model) for model in MODELS}


@pytest.mark.parametrize("model", MODELS)
def test_train_save_evaluate_gives_the_same_numbers(model, runs, place):
    folder = runs[model]
    call("evaluate", place, f"run={folder}")
    again = folder / "evaluations" / "csv" / "predictions.csv"
    assert again.read_bytes() == (folder / "predictions.csv").read_bytes()
    call("evaluate", place, f"verify={folder}", "rescore=3")


@pytest.mark.parametrize("model", MODELS)
def test_files_are_scored_as_the_videos_they_are(model, runs, place):
    stored = pd.read_csv(runs[model] / "predictions.csv").set_index("video")["score"]
    output = place / f"{model}.json"
    call("evaluate", place, f"run={runs[model]}", f"videos={place / 'videos'}", f"output={output}")
    content = json.loads(output.read_text())
    scores = {f"videos/{row['video'].rsplit('/')[-1]}": row for row in content["videos"]}
    for video, score in stored.items():
        assert scores[video]["raw"] == score
        assert len(scores[video]["times_s"]) == len(scores[video]["frame_quality"]) == 2
        assert scores[video]["frames"] >= 33
        assert f"fragments: read 8 of {scores[video]['frames']} frames" in scores[video]["note"]


def test_a_store_of_fragments_changes_only_the_name_of_the_run(runs, place, caplog):
    """Two draws for two epochs: the training sees what it would see without a store."""
    with caplog.at_level("INFO"):
        stored = train(place, "fastvqa", "stored", "loader.store=2", "loader.num_workers=1")
    for name in ("predictions.csv", "split0/history.csv", "split0/model.safetensors"):
        assert (stored / name).read_bytes() == (runs["fastvqa"] / name).read_bytes()
    assert "2 draws of " in caplog.text
    assert "pace: " in caplog.text
    folder = f"folder={place / 'other'}"
    with pytest.raises(Failed, match=r"loader\.store=2: expected a model with a view of fragments"):
        call(
            "train",
            place,
            "model=svr",
            "features=multiscale",
            "data=demo",
            folder,
            "loader.store=2",
        )


def test_scoring_decodes_the_frames_of_the_clips_alone(runs, place):
    clip = sorted((place / "videos").iterdir())[0]
    scorer = vqa.load(runs["fastvqa"], max_seconds=0.5)
    (source,) = scorer._experiment.sources.sources
    assert source.extractor.chooses_frames
    score = scorer(clip)
    assert score.frames == 15
    assert score.note.startswith("only the first 0.5 of ")
    assert score.value != vqa.load(runs["fastvqa"])(clip).value
    with pytest.raises(ValueError, match="fps=2: this model reads clips"):
        vqa.load(runs["fastvqa"], fps=2)


def test_scores_lie_on_the_mos_scale(runs):
    card = json.loads((runs["clifvqa"] / "split0" / "learner.json").read_text())
    assert card["curve"]["kind"] in ("logistic4", "linear")
    train = pd.read_csv(runs["clifvqa"] / "predictions.csv")
    assert train["score"].between(-5, 10).all()


def test_a_killed_training_goes_on_and_overfitting_a_batch_works(place):
    # Two epochs, then the same run asked for again after its results were lost.
    straight = train(place, "clifvqa", "straight", "model.checkpoint_every=1")
    broken = train(place, "clifvqa", "broken", "model.checkpoint_every=1")
    for lost in ("results.json", "report.html", "predictions.csv", "split0/predictions.csv"):
        (broken / lost).unlink()
    broken = train(place, "clifvqa", "broken", "model.checkpoint_every=1")
    assert (broken / "predictions.csv").read_bytes() == (straight / "predictions.csv").read_bytes()
    train(place, "fastvqa", "overfit", "+trainer.overfit_batches=1", "trainer.max_epochs=3")


ABLATIONS = [
    ["model.network.regression=false"],
    ["experiment=clifvqa/spatial"],
    ["views.fragments.time_fragments=2", "views.fragments.num_clips=1", "model.compile=false"],
    ["model.network.backbone.checkpointing=true", "trainer.accumulate_grad_batches=2"],
    ["model.network.backbone.gate=binary", "trainer.precision=bf16-mixed"],
]


@pytest.mark.parametrize("options", ABLATIONS, ids=lambda options: options[0])
def test_every_ablation_trains(options, place):
    name = "".join(filter(str.isalnum, options[0]))
    folder = train(place, "clifvqa", name, "trainer.max_epochs=1", *options)
    predictions = pd.read_csv(folder / "predictions.csv")
    assert predictions["score"].notna().all()


def test_the_semantic_branch_alone_needs_no_fragments(place):
    semantic = [
        option for option in TOY if ".fragments." not in option and "backbone" not in option
    ]
    labels = f"data.labels={place / 'labels.csv'}"
    call(
        "train", place, "model=clifvqa", "features=multiscale", "model.network.steps=8",
        "experiment=clifvqa/semantic", *semantic[:-1], labels, f"folder={place / 'semantic'}",
    )  # fmt: skip
    predictions = pd.read_csv(place / "semantic" / "predictions.csv")
    assert predictions["score"].notna().all()
    evidence = json.loads((place / "semantic" / "evidence.json").read_text())
    assert all(len(entry["times_s"]) == len(entry["frame_quality"]) == 1 for entry in evidence)


def test_the_backbone_can_be_frozen_without_a_plus():
    typed = ["model=fastvqa", "data=konvid", "model.module.frozen_epochs.backbone=10"]
    found = composed("train", *typed).config["model"]["module"]
    assert found["frozen_epochs"] == {"backbone": 10}


TOY_CLIP = [
    "features=openclip",
    "features.openclip.architecture=vqa/models/pretrained/toy_clip.json",
    "features.openclip.weights=random",
]


def test_clip_features_serve_both_branches_and_vsfas_head(place, monkeypatch):
    monkeypatch.chdir(ROOT)
    both = train(place, "clifvqa", "toyclip", *TOY_CLIP, "trainer.max_epochs=1")
    weights = load_file(both / "split0" / "model.safetensors")
    assert weights["network.head.0.weight"].shape == (64, 106 + 128)
    assert "RANDOM weights" in (both / "notes.json").read_text()
    labels = f"data.labels={place / 'labels.csv'}"
    head = place / "vsfa"
    call(
        "train", place, "model=vsfa", *TOY[:5], *TOY_CLIP, labels, f"folder={head}",
        "features.openclip.frames=8", "model.selection=last", "protocol.val_fraction=0.0",
    )  # fmt: skip
    assert load_file(head / "split0" / "model.safetensors")["network.reduce.weight"].shape[1] == 106


def test_weights_of_another_run_begin_a_training(place, tmp_path_factory):
    elsewhere = graded_clips(tmp_path_factory.mktemp("elsewhere"), count=6, seed=5)
    earlier = train(elsewhere, "clifvqa", "earlier")
    folder = train(
        place, "clifvqa", "later", f"init_from={earlier}", "init_parts=[spatial]",
        "model.optimizer.lr=1e-30", "model.module.learning_rates.backbone=1e-30",
        "model.ema_decay=null",
    )  # fmt: skip
    one, other = (load_file(run / "split0" / "model.safetensors") for run in (earlier, folder))
    same = {key: bool((one[key] == other[key]).all()) for key in one if key.startswith("network.")}
    assert all(same[key] for key in same if key.startswith("network.spatial."))
    assert not all(same[key] for key in same if key.startswith("network.head."))
    assert any(
        "started from spatial" in note for note in json.loads((folder / "notes.json").read_text())
    )


def test_weights_that_saw_the_test_part_are_refused(runs, place):
    with pytest.raises(Failed, match=r"test videos of split0 were in the training part"):
        train(place, "clifvqa", "leak", f"init_from={runs['clifvqa']}", "split_seed=3")


@pytest.mark.slow
@pytest.mark.exhaustive
def test_a_compiled_network_learns_the_same(place):
    # A compiled dropout draws other numbers; each new shape of a batch is compiled again.
    still = [
        "model.network.dropout=0.0", "model.network.backbone.stochastic_depth=0.0",
        "model.calibrate=false", "loader.batch_size=6", "views.fragments.num_clips=1",
    ]  # fmt: skip
    plain = train(place, "fastvqa", "plain", *still)
    compiled = train(place, "fastvqa", "compiled", *still, "model.compile=true")
    one, other = (pd.read_csv(run / "split0" / "history.csv") for run in (plain, compiled))
    assert one["train_loss"].tolist() == pytest.approx(other["train_loss"].tolist(), rel=1e-3)


@pytest.mark.slow
@pytest.mark.exhaustive
def test_one_step_in_the_papers_sizes(tmp_path):
    place = graded_clips(tmp_path, count=3)
    folder = place / "whole"
    call(
        "train", place, "model=clifvqa", "data=csv", f"data.labels={place / 'labels.csv'}",
        "data.mos_range=[1,5]", "features.openclip.weights=random",
        "features.openclip.windows=1", "model.start.weights=random", "protocol.test_fraction=0.34",
        "trainer.max_epochs=1", "loader.batch_size=2", "loader.num_workers=0", f"folder={folder}",
        "views.fragments.num_clips=1",
    )  # fmt: skip
    weights = load_file(folder / "split0" / "model.safetensors")
    assert weights["network.spatial.backbone.patch_embed.proj.weight"].shape == (96, 3, 2, 4, 4)
    assert weights["network.head.0.weight"].shape == (64, 106 + 784)
    sizes = {key: value.numel() for key, value in weights.items() if key.startswith("network.")}
    # Swin-T with its fragment tables, two convolutions, the semantic MLP and the head (facts 5.2).
    assert sum(sizes.values()) == 28_078_620 + 49_281 + 1_056 + 33 + 57_024 + 65
    notes = json.loads((folder / "notes.json").read_text())
    assert any("RANDOM weights" in note for note in notes)
