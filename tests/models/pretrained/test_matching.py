"""Tensors of a file by the names or the order of a network's."""

import pytest
import torch

from vqa.models.pretrained.matching import absent_by_name, matched_by_order, tensors_of

WANTED = {
    "stem.weight": torch.zeros(4, 3),
    "norm.weight": torch.zeros(4),
    "norm.bias": torch.zeros(4),
    "norm.num_batches_tracked": torch.zeros((), dtype=torch.long),
}


def renamed(*names):
    """Tensors of the shapes of WANTED, each of another value, under these names."""
    shapes = [tensor.shape for tensor in WANTED.values()]
    return {
        name: torch.full(shape, index + 1.0)
        for index, (name, shape) in enumerate(zip(names, shapes, strict=False))
    }


@pytest.mark.parametrize(
    "names",
    [
        ("_conv.weight", "_bn.weight", "_bn.bias", "_bn.num_batches_tracked"),
        ("a", "b", "c", "d"),
    ],
)
def test_order_gives_the_networks_names(names):
    matched = matched_by_order(renamed(*names), WANTED)
    assert list(matched) == list(WANTED)
    for index, tensor in enumerate(matched.values()):
        assert (tensor == index + 1).all()


def test_order_is_refused_if_anything_differs():
    names = ("_conv.weight", "_bn.weight", "_bn.bias", "_bn.num_batches_tracked")
    assert matched_by_order(renamed(*names[:3]), WANTED) is None
    assert matched_by_order(renamed(*names) | {"more": torch.zeros(1)}, WANTED) is None
    assert matched_by_order(renamed(*names) | {names[0]: torch.zeros(3, 4)}, WANTED) is None
    swapped = ("_conv.weight", "_bn.bias", "_bn.weight", "_bn.num_batches_tracked")
    assert matched_by_order(renamed(*swapped), WANTED) is None  # of equal shapes


def test_absent_tensors_are_missing_or_of_another_shape():
    found = renamed("stem.weight", "norm.weight", "norm.offset")
    assert absent_by_name(found, WANTED) == ["norm.bias", "norm.num_batches_tracked"]
    assert absent_by_name(WANTED | {"stem.weight": torch.zeros(1)}, WANTED) == ["stem.weight"]
    assert absent_by_name(WANTED | {"more": torch.zeros(1)}, WANTED) == []


def test_tensors_are_found_inside_a_checkpoint():
    for state in ({"module.a": torch.ones(2), "epoch": 3}, {"model": {"a": torch.ones(2)}}):
        assert list(tensors_of(state)) == ["a"]
