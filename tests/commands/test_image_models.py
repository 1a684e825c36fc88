"""InceptionV3 on still images through the entry scripts, and its weights in the Gram features."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from tests.commands.calling import call, composed
from vqa.databases import tid2013
from vqa.features.gram import Gram
from vqa.models.inception_iqa import TRAINED, InceptionIQA
from vqa.video import probe, stream_frames

SMOKE = [
    "model=inception_iqa",
    "data=tid2013",
    "model.start.weights=random",
    "trainer.max_epochs=1",
    "loader.batch_size=4",
    "loader.num_workers=0",
]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Six references in two strengths of noise, in the layout and the cases of the release."""
    folder = tmp_path_factory.mktemp("images")
    (folder / "tid" / "distorted_images").mkdir(parents=True)
    rng = np.random.default_rng(0)
    lines = []
    for content in range(1, 7):
        for level in (1, 5):
            noise = rng.normal(128, 10 * level, (310, 320, 3))
            image = Image.fromarray(np.clip(noise, 0, 255).astype(np.uint8))
            image.save(folder / "tid" / "distorted_images" / f"i{content:02}_01_{level}.bmp")
            lines.append(f"{7 - level} I{content:02}_01_{level}.bmp")
    (folder / "tid" / "mos_with_names.txt").write_text("\n".join(lines) + "\n")
    return folder


def train(place, name, *more):
    folder = place / name
    call("train", place, *SMOKE, f"data.root={place / 'tid'}", f"folder={folder}", *more)
    return folder


@pytest.fixture(scope="module")
def trained(place):
    """A run that holds two references out."""
    parts = ("protocol.test_fraction=0.34", "protocol.val_fraction=0.34", "model.selection=last")
    return train(place, "holdout", *parts)


def test_the_recipe_is_the_papers(place):
    experiment = composed(
        "train", "model=inception_iqa", "data=tid2013", f"data.root={place / 'tid'}"
    )
    config, learner = experiment.config, experiment.learner()
    assert learner.start.keywords == {"weights": "imagenet"}
    optimizer = learner.optimizer([torch.nn.Parameter(torch.zeros(1))])
    assert isinstance(optimizer, torch.optim.Adam)
    assert optimizer.defaults["lr"] == 3e-4
    assert optimizer.defaults["weight_decay"] == 0
    assert isinstance(learner.loss, torch.nn.MSELoss)
    assert (config["trainer"]["max_epochs"], config["loader"]["batch_size"]) == (60, 8)
    assert learner.selection == "val_srocc"
    assert config["protocol"]["val_fraction"] == 0.2
    assert isinstance(learner.network(), InceptionIQA)


def test_what_the_network_gets(place):
    experiment = composed(
        "train", *SMOKE, f"data.root={place / 'tid'}", f"paths.cache={place / 'cache'}"
    )
    database, sources, views = experiment.database, experiment.sources, experiment.views
    outcome = sources.fill(database.videos, progress=False)
    assert (len(outcome.made), outcome.failures) == (12, {})
    facts = sources.metadata(*database.select(["i01_01_1.bmp"]))
    assert (facts["width"], facts["height"], facts["frames"]) == ("320", "310", "1")
    inputs = views.alone(database.videos[0])
    assert {name: tensor.shape for name, tensor in inputs.items()} == {
        "image": torch.Size([1, 3, 299, 299])
    }
    assert views.times_s(database.videos[0]).tolist() == [0.0]


def test_gram_features_by_their_configuration():
    options = (
        "weights=random", "layers=[Mixed_5c,avgpool]", "upper=true", "pooling=both", "device=cpu",
    )  # fmt: skip
    extractor = composed(
        "extract", "features=gram", *(f"features.gram.{option}" for option in options)
    ).extractor
    assert isinstance(extractor, Gram)
    assert extractor.layers == ("avgpool", "Mixed_5c")
    assert extractor.dim == 2 * (2048 + 41_616)
    assert extractor.frames_per_second == 2


@pytest.mark.slow
def test_train_save_evaluate_and_score_give_the_same_numbers(place, trained):
    folder = trained
    stored = pd.read_csv(folder / "predictions.csv").set_index("video")["score"]
    assert len(stored) == 4  # two references of six
    assert stored.notna().all()
    call("evaluate", place, f"run={folder}")
    again = folder / "evaluations" / "tid2013" / "predictions.csv"
    assert again.read_bytes() == (folder / "predictions.csv").read_bytes()
    call("evaluate", place, f"verify={folder}", "rescore=2")
    evidence = json.loads((folder / "evidence.json").read_text())
    assert evidence
    assert all(entry["times_s"] == [0.0] for entry in evidence)
    assert all((folder / entry["strip"]).is_file() for entry in evidence)
    image = place / "tid" / "distorted_images" / stored.index[0]
    output = place / "scores.json"
    call("evaluate", place, f"run={folder}", f"videos={image}", f"output={output}")
    (scored,) = json.loads(output.read_text())["videos"]
    assert scored["raw"] == pytest.approx(stored.iloc[0], abs=1e-6)  # alone, not in a batch


@pytest.mark.slow
def test_the_extractor_takes_what_was_learned(place, trained):
    path = trained / "split0" / "model.safetensors"
    learned = load_file(path)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = InceptionIQA()
    for name, initial in network.named_parameters():
        changed = not torch.equal(learned[f"network.{name}"], initial)
        assert changed == (name.split(".")[1] in TRAINED), name
    for name, initial in network.named_buffers():
        assert not torch.equal(learned[f"network.{name}"], initial), name

    extractor = Gram(["Mixed_5b"], weights=str(path), device="cpu")
    untrained = Gram(["Mixed_5b"], weights="random", device="cpu")
    image = tid2013.read(place / "tid").videos[0].path
    info = probe(image)
    features, other = (
        gram.describe(stream_frames(image, gram.indices(info)), info)[0]
        for gram in (extractor, untrained)
    )
    assert features.shape == (1, 65_536)
    assert features.isfinite().all()
    assert not torch.allclose(features, other, rtol=0.01)
