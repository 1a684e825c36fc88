"""Shares of batches, and the layers that do not see who has which video."""

import pytest
import torch
from torch import nn
from torchvision.ops import StochasticDepth

from vqa.training.batches import Item, Rounds, Shares, Shuffled
from vqa.training.learners.batch_layers import Step, VideoDropout, separate_videos


@pytest.mark.parametrize("processes", [1, 2, 3, 5])
@pytest.mark.parametrize("videos", [1, 2, 13, 30])
def test_shares_together_are_the_batches_of_one_process(processes, videos):
    def batches(size, processes=1, rank=0):
        order = Shuffled(videos, seed=3)
        order.set_epoch(2)
        return list(Shares(order, size, processes, rank))

    whole = batches(2 * processes)
    shares = [batches(2, processes, rank) for rank in range(processes)]
    assert {len(share) for share in shares} == {len(whole)}
    for step, batch in enumerate(whole):
        assert all(share[step] for share in shares)  # every process takes part
        assert [item for share in shares for item in share[step] if item.counts] == batch
        padding = [share[step] for share in shares if not share[step][0].counts]
        assert all(len(items) == 1 for items in padding)
    assert sorted(item.index for batch in whole for item in batch) == list(range(videos))
    assert {item.epoch for batch in whole for item in batch} == {2}


def test_order_depends_on_seed_and_epoch():
    def order(seed, epoch):
        shuffled = Shuffled(9, seed)
        shuffled.set_epoch(epoch)
        return [item.index for item in shuffled]

    assert order(1, 4) == order(1, 4)
    assert order(1, 4) != order(1, 5)
    assert order(1, 4) != order(2, 4)
    assert Item(3) == Item(3, None, True)


def test_rounds_take_one_video_of_each_database():
    """The smaller databases come again, each of their videos as often as the others."""
    sources = ["big"] * 7 + ["small"] * 2 + ["one"]
    rounds = Rounds(sources, seed=1)
    rounds.set_epoch(3)
    items = list(rounds)
    assert len(rounds) == len(items) == 21
    assert items == list(rounds)
    assert {item.epoch for item in items} == {3}
    found = [sources[item.index] for item in items]
    assert found == ["big", "small", "one"] * 7
    places = [item.index for item in items]
    assert sorted(places[::3]) == list(range(7))
    assert sorted(places.count(place) for place in (7, 8)) == [3, 4]
    rounds.set_epoch(4)
    assert [item.index for item in rounds] != places
    # Two processes share a step of two videos of each database.
    shares = [list(Shares(rounds, 3, 2, rank)) for rank in (0, 1)]
    assert [sources[item.index] for share in shares for item in share[0]] == found[:6]


def masks(layer, numbers, x):
    """What a layer does to a batch of these videos, in the same step of training."""
    step = Step()
    network = nn.Sequential(layer)
    separate_videos(network, step)
    assert isinstance(network[0], VideoDropout)
    step.numbers = numbers
    torch.manual_seed(7)
    return network(x)


LAYERS = {
    "dropout": nn.Dropout(0.4),
    "channels": nn.Dropout2d(0.4),
    "depth": StochasticDepth(0.4, "row"),
}


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_a_mask_belongs_to_its_video(layer):
    x = torch.ones(6, 32, 3, 5)
    together = masks(layer, [11, 22, 33], x)  # two rows for each video
    assert torch.equal(masks(layer, [33, 11], x[:4]), together[[4, 5, 0, 1]])
    assert not torch.equal(together[:2], together[2:4]) or layer is LAYERS["depth"]
    drawn = masks(layer, list(range(2000)), torch.ones(2000, 3, 2, 2))
    assert drawn.unique().tolist() == pytest.approx([0, 1 / 0.6])
    assert drawn.mean() == pytest.approx(1, abs=0.05)


def test_what_is_dropped_has_the_layers_shape():
    x = torch.ones(50, 8, 4, 4)
    whole = {name: masks(layer, list(range(50)), x).flatten(2) for name, layer in LAYERS.items()}
    assert (whole["channels"].std(-1) == 0).all()
    assert (whole["depth"].flatten(1).std(-1) == 0).all()
    assert (whole["dropout"].std(-1) > 0).any()


def test_evaluation_and_no_dropout_change_nothing():
    network = nn.Sequential(nn.Dropout(0.5), nn.Dropout(0.0), nn.Dropout(1.0))
    separate_videos(network, Step())
    x = torch.rand(3, 4)
    assert torch.equal(network.eval()(x), x)
    assert torch.equal(network[1].train()(x), x)
    network[2].step.numbers = [1, 2, 3]
    assert not network[2].train()(x).any()


def test_one_process_normalises_as_torch_does_and_the_state_fits():
    plain, replaced = (nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)) for _ in range(2))
    replaced.load_state_dict(plain.state_dict())
    separate_videos(replaced, Step())
    x = torch.rand(5, 3, 2, 2)
    assert torch.equal(replaced(x), plain(x))
    assert list(replaced.state_dict()) == list(plain.state_dict())
    assert all(torch.equal(a, b) for a, b in zip(replaced.state_dict().values(),
               plain.state_dict().values(), strict=True))  # fmt: skip
    assert [name for name, _ in replaced.named_parameters()] == [
        name for name, _ in plain.named_parameters()
    ]


def test_a_recomputed_block_draws_the_same_masks():
    step = Step()
    network = nn.Sequential(nn.Linear(6, 6), nn.Dropout(0.5))
    separate_videos(network, step)
    step.numbers = [1, 2, 3]
    x = torch.rand(3, 6)
    gradients = []
    for recompute in (False, True):
        torch.manual_seed(0)
        network.zero_grad()
        if recompute:
            out = torch.utils.checkpoint.checkpoint(network, x, use_reentrant=False)
        else:
            out = network(x)
        out.square().sum().backward()
        gradients.append(network[0].weight.grad.clone())
    assert torch.equal(*gradients)
