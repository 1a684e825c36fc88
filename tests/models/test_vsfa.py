"""VSFA: the authors' golden values, and invariances for any weights."""

import pytest
import torch

from tests.places import SHARED
from vqa.models.vsfa import VSFA

CHECKPOINT = SHARED / "weights/VSFA.pt"
# Scores by length from the authors' code with VSFA.pt, input 0.5 + 0.5 sin(0.05 t + 0.01 c).
GOLDEN = {40: 0.8710574, 12: 0.7229132, 5: 0.6893519, 1: 0.5138904}


def sine(length, dim=4096):
    step = torch.arange(length, dtype=torch.float64)[:, None]
    channel = torch.arange(dim, dtype=torch.float64)
    return (0.5 + 0.5 * (0.05 * step + 0.01 * channel).sin()).float()


@pytest.fixture(scope="module")
def published():
    if not CHECKPOINT.is_file():
        pytest.skip(f"the published weights are not at {CHECKPOINT}")
    return torch.load(CHECKPOINT, map_location="cpu", weights_only=True)


@torch.inference_mode()
def test_the_released_checkpoint_gives_the_authors_scores(published):
    model = VSFA.from_published(published)
    for length, score in GOLDEN.items():
        assert model(sine(length)[None], torch.tensor([length])).item() == pytest.approx(
            score, abs=1e-5
        )
    padded = torch.full((len(GOLDEN), 40, 4096), 7.0)
    for row, length in enumerate(GOLDEN):
        padded[row, :length] = sine(length)
    scores = model(padded, torch.tensor(list(GOLDEN)))
    assert scores.tolist() == pytest.approx(list(GOLDEN.values()), abs=1e-5)


def test_another_checkpoint_is_refused(published):
    with pytest.raises(ValueError, match=r"missing keys .*q\.bias.* unknown keys .*surplus"):
        VSFA.from_published({k: v for k, v in published.items() if k != "q.bias"} | {"surplus": 1})


@pytest.mark.parametrize("rnn", ["gru", "lstm", "none"])
@pytest.mark.parametrize("pooling", ["subjective", "mean"])
def test_scores_do_not_depend_on_padding_or_batch(rnn, pooling):
    torch.manual_seed(0)
    model = VSFA(24, 16, 8, rnn, pooling).double()
    features = torch.randn(4, 30, 24, dtype=torch.float64)
    lengths = torch.tensor([30, 17, 5, 1])
    together = model(features, lengths)
    alone = [model(features[i : i + 1, :n], torch.tensor([n])) for i, n in enumerate(lengths)]
    torch.testing.assert_close(together, torch.cat(alone), rtol=0, atol=1e-12)
    timeline = model.timeline(features, lengths)
    assert timeline[1, :17].mean().item() == pytest.approx(together[1].item())


def test_every_parameter_gets_a_gradient():
    model = VSFA(24, 16, 8)
    model(torch.randn(2, 20, 24), torch.tensor([20, 9])).sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in model.parameters())


def test_unknown_options_are_refused():
    with pytest.raises(ValueError, match="rnn='transformer': expected gru, lstm or none"):
        VSFA(rnn="transformer")
    with pytest.raises(ValueError, match="pooling='max': expected subjective or mean"):
        VSFA(pooling="max")
