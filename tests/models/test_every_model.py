"""Contract of every network that a file of `conf/model` builds; a new file is tested as it is.

Networks and views come from the composed configuration. Feature sequences are random, all other
inputs are what the model's own views read from real clips. The `demo` recipe keeps networks small.
"""

from dataclasses import dataclass, fields, is_dataclass

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load, save
from torchvision.models import Inception3

from vqa.commands.building import build
from vqa.commands.configuration import choices, compose, resolved
from vqa.models.swin3d import FragmentSwin
from vqa.training.learners.scoring import ScoringNetwork
from vqa.training.views import FeatureVector

FEATURES = 12  # per frame; any even number will do
LENGTHS = (40, 12, 1)
CLOSE = {"rtol": 1e-4, "atol": 1e-5}


def has_network(path):
    return "network" in yaml.safe_load(path.read_text(encoding="utf-8"))["model"]


MODELS = [name for name, path in choices("model").items() if has_network(path)]


@dataclass
class Example:
    """A network in evaluation mode with its input: one batch, and the same videos one by one."""

    network: torch.nn.Module
    batch: dict
    videos: list
    moments: list  # of each video, for the last view


def example(model, recipe, videos, rng=None):
    """Build a model with inputs for some videos; `rng` selects the views' training mode."""
    config = resolved(compose("train", [f"model={model}", f"recipe={recipe}"]))
    views = {name: build(view) for name, view in config["views"].items() if view is not None}
    views = {
        name: view([]) if name == "features" else view(reader="auto")
        for name, view in views.items()
    }
    samples = []
    generator = torch.Generator().manual_seed(0)
    of_vectors = isinstance(views.get("features"), FeatureVector)
    for video, length in zip(videos, LENGTHS, strict=False):
        sequence = torch.rand(length, FEATURES, generator=generator)
        if of_vectors:
            sequence = sequence.mean(0)
        samples.append(
            {name: sequence if name == "features" else views[name](video, rng) for name in views}
        )

    def collated(some):
        inputs = {}
        for name, view in views.items():
            inputs |= view.collate(name, [sample[name] for sample in some])
        return inputs

    last = list(views)[-1]
    moments = [
        len(torch.atleast_2d(sample["features"]))
        if last == "features"
        else len(views[last].times_s(video))
        for sample, video in zip(samples, videos, strict=False)
    ]
    network = new_network(config).eval()
    return Example(network, collated(samples), [collated([one]) for one in samples], moments)


def new_network(config):
    sizes = {"input_dim": FEATURES} if config["views"]["features"] is not None else {}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return build(config["model"]["network"])(**sizes)


@pytest.fixture(scope="module", params=MODELS)
def small(request, clips):
    return example(request.param, "demo", clips.videos[:3])


def test_models_are_found():
    assert MODELS


@pytest.mark.parametrize("model", MODELS)
def test_initial_weights_are_finite_and_depend_on_the_seed_only(model):
    config = resolved(compose("train", [f"model={model}", "recipe=demo"]))
    one, other = new_network(config).state_dict(), new_network(config).state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert all(tensor.isfinite().all() for tensor in one.values())


def test_weights_can_be_stored(small):
    state = small.network.state_dict()
    restored = load(save(state))
    assert restored.keys() == state.keys()
    small.network.load_state_dict(restored)


@torch.inference_mode()
def test_each_video_has_one_score(small):
    score = small.network(**small.batch)
    assert score.shape == (3,)
    assert score.dtype == torch.float32
    assert score.isfinite().all()
    assert small.network(**small.videos[0]).shape == (1,)


@torch.inference_mode()
def test_scores_do_not_depend_on_batch_or_padding(small):
    together = small.network(**small.batch)
    alone = torch.cat([small.network(**inputs) for inputs in small.videos])
    torch.testing.assert_close(together, alone, **CLOSE)
    if "lengths" in small.batch:
        padding = torch.arange(max(LENGTHS)) >= small.batch["lengths"][:, None]
        overwritten = small.batch["features"].masked_fill(padding[..., None], 1e3)
        score = small.network(**small.batch | {"features": overwritten})
        torch.testing.assert_close(score, together, **CLOSE)


def test_condensed_videos_and_lists_score_and_train_alike(small):
    """What a network says it reads of features is enough, and a list is as good as padding."""
    network, lengths = small.network, small.batch.get("lengths")
    condense, takes_rows = getattr(network, "condense", None), getattr(network, "takes_rows", False)
    if condense is None and not takes_rows:
        return
    rows = [row[:count] for row, count in zip(small.batch["features"], lengths, strict=True)]
    samples = [condense(row) if condense else {"features": row} for row in rows]
    rest = {key: value for key, value in small.batch.items() if key not in ("features", "lengths")}
    beside = {
        key: torch.stack([sample[key] for sample in samples])
        for key in samples[0]
        if key != "features"
    }
    found = [sample["features"] for sample in samples]
    counts = torch.tensor([len(one) for one in found])
    forms = [torch.nn.utils.rnn.pad_sequence(found, batch_first=True)]
    forms += [found] if takes_rows else []
    expected = network(**small.batch)
    weights = [one for one in network.parameters() if one.requires_grad]
    of_expected = torch.autograd.grad(expected.sum(), weights, allow_unused=True)
    for features in forms:
        score = network(features=features, lengths=counts, **beside, **rest)
        torch.testing.assert_close(score, expected, **CLOSE)
        of_score = torch.autograd.grad(score.sum(), weights, allow_unused=True)
        for ours, theirs in zip(of_score, of_expected, strict=True):
            assert (ours is None) == (theirs is None)
            if ours is not None:
                torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)


@torch.inference_mode()
def test_timeline_has_one_value_per_moment_or_video(small):
    for inputs, moments in zip(small.videos, small.moments, strict=True):
        timeline = small.network.timeline(**inputs)
        assert timeline.shape in ((1, moments), (1, 1))
        assert timeline.isfinite().all()


@torch.inference_mode()
def test_one_pass_gives_the_same_score_and_timeline(small):
    module = ScoringNetwork(small.network, input_dim=FEATURES, mos_scale=1.0).eval()
    large = [one for one in small.network.modules() if isinstance(one, FragmentSwin | Inception3)]
    passes = []
    hooks = [one.register_forward_hook(lambda *given: passes.append(1)) for one in large]
    for inputs in small.videos:
        expected = small.network(**inputs), small.network.timeline(**inputs)
        passes.clear()
        found = module.score_and_timeline(**inputs)
        assert len(passes) == len(large)
        assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))
    for hook in hooks:
        hook.remove()


@torch.inference_mode()
def test_the_network_says_whether_its_score_is_the_mean_of_its_timeline(small):
    told = small.network.timeline_is
    for inputs in small.videos:
        mean, score = small.network.timeline(**inputs).mean(1), small.network(**inputs)
        if told.endswith("the score is its mean") or told == "one value, the score":
            torch.testing.assert_close(mean, score, **CLOSE)
        elif told.endswith("the score is its mean before the mapping to [0, 1]"):
            timeline = small.network.timeline(**inputs)
            assert timeline.min() <= score + 1e-6
            assert score <= timeline.max() + 1e-6
            assert 0 <= timeline.min() <= timeline.max() <= 1
        else:
            assert told.endswith("is not its mean")
            assert not torch.isclose(mean, score, atol=1e-4)


def gradients(network, inputs, function="forward"):
    """Return the gradients by name of all parameters that are trained."""
    network.zero_grad(set_to_none=True)
    found = getattr(network, function)(**inputs)
    if is_dataclass(found):
        found = torch.cat([getattr(found, one.name).flatten() for one in fields(found)])
    found.sum().backward()
    return {name: p.grad for name, p in network.named_parameters() if p.requires_grad}


def test_every_parameter_is_part_of_the_graph(small):
    found = gradients(small.network, small.batch)
    assert found
    # A parameter may serve the timeline, or what an extra loss takes from `assess`, only.
    others = [gradients(small.network, small.batch, "timeline")]
    if hasattr(small.network, "assess"):
        others.append(gradients(small.network, small.batch, "assess"))
    for name in found:
        reached = [g for g in (found[name], *(other[name] for other in others)) if g is not None]
        assert reached, name
        assert all(gradient.isfinite().all() for gradient in reached), name


# Video Swin-T of the paper's size takes long; its golden values are tested elsewhere.
SWIN = ("clifvqa", "fastvqa")
LARGE = [
    pytest.param(name, marks=pytest.mark.exhaustive) if name in SWIN else name for name in MODELS
]


@pytest.mark.slow
@pytest.mark.parametrize("model", LARGE)
def test_every_parameter_of_the_paper_size_gets_a_gradient(model, clips):
    """The `demo` sizes are not enough: there a table of Video Swin's bias has a gate of zero."""
    paper = example(model, "paper", clips.videos[:1], np.random.default_rng(0))
    found = gradients(paper.network, paper.batch)
    left = [name for name, gradient in found.items() if gradient is None or not gradient.any()]
    if left:
        others = ["timeline", *(["assess"] if hasattr(paper.network, "assess") else [])]
        slopes = [gradients(paper.network, paper.batch, function) for function in others]
        for name in left:
            assert any(other[name] is not None and other[name].any() for other in slopes), name
