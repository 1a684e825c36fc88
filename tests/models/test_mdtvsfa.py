"""MDTVSFA: the authors' golden values, the steps from quality to scores, and the start."""

import math

import pytest
import torch

from tests.models.test_vsfa import sine
from tests.places import SHARED
from vqa.models.mdtvsfa import MDTVSFA

CHECKPOINT = SHARED / "weights/MDTVSFA.pt"
# The authors' code with MDTVSFA.pt, input 0.5 + 0.5 sin(0.05 t + 0.01 c) of 40 frames.
RELATIVE, MAPPED = 0.6543428, 0.6323535
ALIGNED = {
    "konvid": 3.39885, "cvd2014": 56.64619, "livequalcomm": 52.67133, "livevqc": 61.91051
}  # fmt: skip


@pytest.fixture(scope="module")
def published():
    if not CHECKPOINT.is_file():
        pytest.skip(f"the published weights are not at {CHECKPOINT}")
    return torch.load(CHECKPOINT, map_location="cpu", weights_only=True)


@torch.inference_mode()
def test_the_released_checkpoint_gives_the_authors_scores(published):
    model = MDTVSFA.from_published(published)
    assert sum(parameter.numel() for parameter in model.parameters()) == 540_013
    features, lengths = torch.full((2, 60, 4096), 7.0), torch.tensor([40, 60])
    features[0, :40] = sine(40)
    output = model.assess(features, lengths)
    assert output.relative[0].item() == pytest.approx(RELATIVE, abs=1e-5)
    assert output.mapped[0].item() == pytest.approx(MAPPED, abs=1e-5)
    assert model.databases == tuple(ALIGNED)
    for place, (name, score) in enumerate(ALIGNED.items()):
        assert output.aligned[0, place].item() == pytest.approx(score, abs=1e-5)
        aligned = model.aligned(output.mapped, name)
        torch.testing.assert_close(aligned, output.aligned[:, place])
    torch.testing.assert_close(model(features, lengths), output.mapped)


def test_another_checkpoint_is_refused(published):
    broken = {key: value for key, value in published.items() if key != "lm.C.bias"}
    with pytest.raises(ValueError, match=r"MDTVSFA.*missing keys .*lm\.C\.bias.* keys .*surplus"):
        MDTVSFA.from_published(broken | {"surplus": torch.zeros(1)})


def test_the_score_is_the_mapped_mean_of_the_unmapped_timeline():
    """The timeline is on the score's scale: undoing both sigmoids gives what is averaged."""
    torch.manual_seed(0)
    model = MDTVSFA(24, 16, 8, databases=["a", "b"]).double()
    torch.nn.init.normal_(model.vsfa.head.weight, std=4)
    features = torch.randn(3, 30, 24, dtype=torch.float64)
    lengths = torch.tensor([30, 17, 1])
    timeline, score = model.timeline(features, lengths), model(features, lengths)
    weight, bias = (tensor.item() for tensor in model.mapping[0].parameters())
    assert (weight, bias) == pytest.approx((2 * math.sqrt(3), -math.sqrt(3)))
    for row, length, mapped in zip(timeline, lengths, score, strict=True):
        quality = ((row[:length].logit() - bias) / weight).logit()
        expected = (weight * quality.mean().sigmoid() + bias).sigmoid()
        assert mapped.item() == pytest.approx(expected.item(), abs=1e-9)
        assert row[:length].min() <= mapped <= row[:length].max()
    assert (timeline[0].max() - timeline[0].min()).item() > 0.02


def test_the_last_layer_of_the_mapping_is_fixed_and_all_others_train():
    model = MDTVSFA(24, 16, 8, databases=["a"])
    output = model.assess(torch.randn(2, 20, 24), torch.tensor([20, 9]))
    output.aligned.sum().backward()
    fixed = {name for name, parameter in model.named_parameters() if parameter.grad is None}
    assert fixed == {"mapping.2.weight", "mapping.2.bias"}
    assert (model.mapping[2].weight.item(), model.mapping[2].bias.item()) == (1, 0)
    assert all(p.grad.abs().sum() > 0 for p in model.parameters() if p.requires_grad)


def test_scales_go_by_name():
    model = MDTVSFA(24, databases=["konvid", "livevqc"])
    with pytest.raises(ValueError, match="database='lsvq': expected one of konvid, livevqc"):
        model.aligned(torch.tensor([0.5]), "lsvq")
    with pytest.raises(ValueError, match="expected different names"):
        MDTVSFA(24, databases=["konvid", "konvid"])
