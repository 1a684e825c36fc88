"""Weights to begin with: every published layout, earlier runs, and what does not fit."""

from functools import partial

import pytest
import torch
from safetensors.torch import save_file

from tests.models.test_fastvqa import released
from vqa.models.clifvqa import CLiFVQA
from vqa.models.fastvqa import FastVQA
from vqa.models.pretrained.weights import WeightsError
from vqa.models.swin3d import FragmentSwin
from vqa.training.learners import starting
from vqa.training.learners.starting import published_swin, trained_parts

WINDOW = (2, 4, 4)


def backbone(gated=1):
    return FragmentSwin(8, (2, 2), (1, 2), WINDOW, gated_stages=gated)


def fast(seed):
    torch.manual_seed(seed)
    return FastVQA(backbone, channels=16, hidden_dim=4)


def clif(seed, branches="both"):
    torch.manual_seed(seed)
    return CLiFVQA(
        6, backbone, branches, steps=4, backbone_channels=16, map_size=(2, 4, 4), conv_dim=4
    )


def equal(one, other):
    return all(
        torch.equal(a, b)
        for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    )


@pytest.mark.parametrize("form", ["pth", "safetensors"])
def test_a_fastvqa_file_fills_the_backbone_and_if_asked_the_head(form, tmp_path):
    source, path = fast(1), tmp_path / f"weights.{form}"
    if form == "pth":
        torch.save(released(source), path)
    else:
        save_file(released(source)["state_dict"], path)
    for target in (fast(2), clif(2)):
        spatial = getattr(target, "spatial", target)
        before = spatial.head[1].weight.clone()
        published_swin(target, str(path))
        assert equal(spatial.backbone, source.backbone)
        assert torch.equal(spatial.head[1].weight, before)
        published_swin(target, str(path), head=True)
        assert equal(spatial.head, source.head)


def test_kinetics_weights_leave_the_fragment_tables_at_zero(monkeypatch):
    plain = backbone(gated=0)
    monkeypatch.setattr(starting, "published_state", lambda *_: plain.state_dict())
    target = fast(3)
    torch.nn.init.ones_(target.backbone.features[0][0].attn.fragment_position_bias_table)
    published_swin(target)
    state = target.backbone.state_dict()
    assert all(torch.equal(state[key], value) for key, value in plain.state_dict().items())
    tables = [value for key, value in state.items() if key not in plain.state_dict()]
    assert len(tables) == 2
    assert not any(table.any() for table in tables)


def test_random_and_networks_without_a_swin_stay_as_they_are(monkeypatch):
    monkeypatch.setattr(starting, "published_state", lambda *_: pytest.fail("weights fetched"))
    target = fast(4)
    published_swin(target, "random")
    assert equal(target, fast(4))
    published_swin(clif(4, "semantic"))


def test_what_cannot_be_had_or_does_not_fit_is_named(monkeypatch, tmp_path):
    with pytest.raises(WeightsError, match=r"no weights file at .*absent\.pth"):
        published_swin(fast(0), str(tmp_path / "absent.pth"))
    other = FastVQA(
        partial(FragmentSwin, 16, (2, 2), (1, 2), WINDOW, gated_stages=1), channels=32, hidden_dim=4
    )
    torch.save(released(other), tmp_path / "other.pth")
    with pytest.raises(WeightsError, match="does not fit this network"):
        published_swin(fast(0), str(tmp_path / "other.pth"))
    torch.save(fast(1).backbone.state_dict(), tmp_path / "headless.pth")
    with pytest.raises(WeightsError, match=r"model\.start\.head=false"):
        published_swin(fast(0), str(tmp_path / "headless.pth"), head=True)

    def offline(*_, **__):
        raise OSError("no route to host")

    monkeypatch.setattr(type(starting.KINETICS), "get_state_dict", offline)
    with pytest.raises(WeightsError, match=r"not at .*checkpoints.*model\.start\.weights=random"):
        published_swin(fast(0))


def test_parts_of_a_trained_network_are_taken():
    source, target = clif(1), clif(2)
    trained_parts(target, source.state_dict(), ["spatial"])
    assert equal(target.spatial, source.spatial)
    assert equal(target.head, clif(2).head)
    trained_parts(target, source.state_dict())
    assert equal(target, source)
    # The spatial branch alone, pre-trained, begins the whole.
    alone = clif(3, "spatial")
    trained_parts(target, alone.state_dict(), ["spatial"])
    assert equal(target.spatial, alone.spatial)


def test_another_network_is_refused():
    with pytest.raises(WeightsError, match="lacks"):
        trained_parts(clif(0), clif(1, "spatial").state_dict())
    with pytest.raises(WeightsError, match="spatail"):
        trained_parts(clif(0), clif(1).state_dict(), ["spatail"])
    with pytest.raises(WeightsError, match="differs in"):
        trained_parts(clif(0), {**clif(1).state_dict(), "head.0.weight": torch.zeros(1, 1)})
