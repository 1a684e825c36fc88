"""CLiF-VQA: the paper's equations step by step, its ablations, padding and clips."""

import itertools

import pytest
import torch
from scipy.stats import pearsonr
from torch import nn
from torch.nn.functional import gelu

from vqa.models.clifvqa import CLiFVQA, middle_steps
from vqa.models.fastvqa import FastVQA
from vqa.models.losses import monotone_linear_loss
from vqa.video.sampling import uniform_indices

BRANCHES = ("both", "semantic", "spatial")
DIM, STEPS, CHANNELS, MAP = 10, 8, 5, (2, 3, 3)
# Mean and standard deviation of each colour, 0 to 255.
RGB = ((123.675, 58.395), (116.28, 57.12), (103.53, 57.375))
LENGTHS = torch.tensor([8, 1, 5, 20])


def backbone():
    """Replace the Swin transformer: (N, 3, 4, 12, 12) -> (N, 5, 2, 3, 3)."""
    return nn.Conv3d(3, CHANNELS, (2, 4, 4), (2, 4, 4))


def network(branches="both", regression=True, **options):
    torch.manual_seed(0)
    small = {"steps": STEPS, "backbone_channels": CHANNELS, "map_size": MAP}
    small |= {"conv_dim": 4, "head_dim": 6}
    return CLiFVQA(DIM, backbone, branches, regression, **small | options).double().eval()


def inputs(clips=3, seed=1):
    """Return features with noise in the padding, lengths, and clips."""
    generator = torch.Generator().manual_seed(seed)
    videos, padded = len(LENGTHS), max(LENGTHS)
    features = torch.rand(videos, padded, DIM, generator=generator, dtype=torch.float64)
    shape = (videos, clips, 4, 12, 12, 3)
    fragments = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
    return features, LENGTHS, fragments


every_ablation = pytest.mark.parametrize(
    ("branches", "regression"), list(itertools.product(BRANCHES, (True, False)))
)


def literal_scores(model, features, length, clips):
    """Score the clips of one video by equations 8 to 13, one number at a time."""
    state = model.state_dict()
    semantic = spatial = None
    if model.semantic is not None:
        steps = [((2 * k + 1) * length) // (2 * STEPS) for k in range(STEPS)]
        semantic = []
        for d in range(DIM):
            row = torch.stack([features[step, d] for step in steps])
            hidden = gelu(state["semantic.0.weight"] @ row + state["semantic.0.bias"])
            semantic.append(state["semantic.2.weight"][0] @ hidden + state["semantic.2.bias"][0])
        semantic = torch.stack(semantic)
    scores = []
    for clip in clips:
        if model.spatial is not None:
            colours = [(clip[..., c].double() - mean) / std for c, (mean, std) in enumerate(RGB)]
            grid = model.spatial.backbone(torch.stack(colours)[None])[0]
            first, last = state["spatial.head.1.weight"], state["spatial.head.4.weight"]
            spatial = []
            for t, h, w in itertools.product(*map(range, MAP)):
                inner = first[:, :, 0, 0, 0] @ grid[:, t, h, w] + state["spatial.head.1.bias"]
                spatial.append(last[0, :, 0, 0, 0] @ gelu(inner) + state["spatial.head.4.bias"][0])
            spatial = torch.stack(spatial)
        parts = [part for part in (semantic, spatial) if part is not None]
        if model.head is not None:
            hidden = gelu(state["head.0.weight"] @ torch.cat(parts) + state["head.0.bias"])
            scores.append(state["head.2.weight"][0] @ hidden + state["head.2.bias"][0])
        else:
            scores.append(sum(part.mean() for part in parts))
    return torch.stack(scores)


@every_ablation
@torch.inference_mode()
def test_scores_follow_the_papers_equations(branches, regression):
    model = network(branches, regression)
    features, lengths, fragments = inputs()
    clips = [literal_scores(model, features[i], int(lengths[i]), fragments[i]) for i in range(4)]
    expected = torch.stack(clips)
    timeline = model.timeline(features, lengths, fragments)
    assert timeline.shape == ((4, 1) if branches == "semantic" else (4, 3))
    # 1e-6 because the network's colour constants are float32.
    torch.testing.assert_close(timeline.expand(4, 3), expected, rtol=0, atol=1e-6)
    score = model(features, lengths, fragments)
    torch.testing.assert_close(score, expected.mean(1), rtol=0, atol=1e-6)


@every_ablation
@torch.inference_mode()
def test_scores_do_not_depend_on_padding_or_batch(branches, regression):
    model = network(branches, regression)
    features, lengths, fragments = inputs()
    together = model(features, lengths, fragments)
    alone = [
        model(features[i : i + 1, :n], torch.tensor([n]), fragments[i : i + 1])
        for i, n in enumerate(lengths.tolist())
    ]
    torch.testing.assert_close(together, torch.cat(alone), rtol=0, atol=1e-12)
    for row, length in enumerate(lengths.tolist()):
        features[row, length:] = torch.nan
    assert torch.equal(model(features, lengths, fragments), together)


@every_ablation
def test_every_parameter_gets_a_gradient(branches, regression):
    model = network(branches, regression).train()
    features, lengths, fragments = inputs()
    target = torch.tensor([0.2, 0.9, 0.4, 0.6], dtype=torch.float64)
    score = model(features, lengths, fragments)
    # Without the head the last bias shifts all scores alike, and the loss is invariant to that.
    (monotone_linear_loss(score, target) + score.mean()).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad.abs().sum() > 0, name


@torch.inference_mode()
def test_each_branch_reads_only_its_own_inputs():
    features, lengths, fragments = inputs()
    semantic, spatial = network("semantic"), network("spatial")
    assert torch.equal(semantic(features, lengths), semantic(features, lengths, fragments))
    assert torch.equal(spatial(fragments=fragments), spatial(features, lengths, fragments))
    assert semantic.spatial is None
    assert spatial.semantic is None
    both = network()
    score = both(features, lengths, fragments)
    assert not torch.isclose(score, both(features.flip(1), lengths, fragments)).any()
    assert not torch.isclose(score, both(features, lengths, fragments.flip(0))).any()


@torch.inference_mode()
def test_clips_share_the_semantic_vector_and_are_averaged():
    model = network()
    features, lengths, fragments = inputs(clips=4)
    single = [model(features, lengths, fragments[:, k : k + 1]) for k in range(4)]
    timeline = model.timeline(features, lengths, fragments)
    torch.testing.assert_close(timeline, torch.stack(single, 1), rtol=0, atol=1e-12)
    score = model(features, lengths, fragments)
    torch.testing.assert_close(score, timeline.mean(1), rtol=0, atol=1e-12)


def test_middle_steps_match_the_sampling_of_frames():
    lengths = torch.arange(1, 71)
    x = torch.arange(70.0)[None, :, None].expand(70, -1, 2)
    for row, length in zip(middle_steps(x, lengths, 32), lengths.tolist(), strict=True):
        assert row[:, 0].tolist() == uniform_indices(length, 32).tolist()
    assert torch.equal(middle_steps(x[:1, :32], torch.tensor([32]), 32), x[:1, :32])


def test_parameter_counts_match_the_paper():
    model = CLiFVQA(backbone=nn.Identity)
    sizes = {
        name: sum(parameter.numel() for parameter in part.parameters())
        for name, part in model.named_children()
    }
    head = (106 + 784) * 64 + 64 + 64 + 1
    assert sizes == {"semantic": 1056 + 33, "spatial": 49_281, "head": head}


@torch.inference_mode()
def test_without_the_head_the_spatial_branch_is_fast_vqa():
    model, fragments = network("spatial", regression=False), inputs()[2]
    fast = FastVQA(backbone, CHANNELS, 4).double().eval()
    assert not torch.isclose(fast(fragments), model(fragments=fragments)).any()
    model.spatial.load_state_dict(fast.state_dict())
    torch.testing.assert_close(model(fragments=fragments), fast(fragments), rtol=0, atol=1e-12)


def test_each_network_builds_its_own_backbone_and_starts_in_training_mode():
    made = []

    def published():
        made.append(backbone().eval())
        return made[-1]

    one, other = (CLiFVQA(DIM, published, map_size=MAP) for _ in range(2))
    assert [one.spatial.backbone, other.spatial.backbone] == made
    assert all(part.training for part in one.modules())


def test_dropout_is_active_only_in_training():
    model = network("spatial", dropout=0.5)
    _, _, fragments = inputs()
    assert torch.equal(model(fragments=fragments), network("spatial")(fragments=fragments))
    model.train()
    assert not torch.equal(model(fragments=fragments), model(fragments=fragments))


def test_a_target_that_needs_both_branches_is_learnt_only_by_both():
    torch.manual_seed(2)
    videos, half = 64, 32
    meaning, brightness = torch.rand(videos), torch.rand(videos)
    features = 0.1 * torch.rand(videos, STEPS, DIM) + meaning[:, None, None]
    fragments = 200 * brightness.view(-1, 1, 1, 1, 1, 1) + 20 * torch.rand(videos, 1, 4, 12, 12, 3)
    lengths, target = torch.full((videos,), STEPS), (meaning + brightness) / 2
    found = {}
    for branches in BRANCHES:
        model = network(branches).float().train()
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
        for _ in range(100):
            optimizer.zero_grad()
            score = model(features[:half], lengths[:half], fragments[:half])
            monotone_linear_loss(score, target[:half]).backward()
            optimizer.step()
        with torch.inference_mode():
            unseen = model(features[half:], lengths[half:], fragments[half:])
        found[branches] = pearsonr(unseen, target[half:])[0]
    assert found["both"] > 0.98
    assert max(found["semantic"], found["spatial"]) < 0.9


@pytest.mark.parametrize("branches", ["both", "spatial"])
@torch.inference_mode()
def test_autocast_gives_nearly_the_same_score(branches):
    model = network(branches).float()
    features, lengths, fragments = inputs()
    full = model(features.float(), lengths, fragments)
    with torch.autocast("cpu", torch.bfloat16):
        half = model(features.float(), lengths, fragments)
    torch.testing.assert_close(half.float(), full, rtol=0.05, atol=0.02)


def test_invalid_options_and_inputs_are_refused():
    features, lengths, fragments = inputs()
    with pytest.raises(ValueError, match=r"branches='neither': expected both, semantic or spatial"):
        network("neither")
    with pytest.raises(ValueError, match="branches='spatial' needs a backbone"):
        CLiFVQA(branches="spatial")
    with pytest.raises(ValueError, match="expected features and lengths"):
        network()(fragments=fragments)
    with pytest.raises(ValueError, match="expected fragments, found none"):
        network()(features, lengths)
    with pytest.raises(ValueError, match="stack the clips"):
        network()(features, lengths, fragments[:, 0])
    with pytest.raises(ValueError, match=r"map is \(1, 3, 3\), expected map_size=\(2, 3, 3\)"):
        network()(features, lengths, fragments[:, :, :2])
