"""The linear layer on a list of videos, against the same layer on padded ones."""

import pytest
import torch

from vqa.models.frozen import linear_of_rows

LENGTHS = (7, 3, 1)


@pytest.fixture
def made():
    """Rows of three videos, weights of a layer and factors of the channels."""
    drawn = torch.Generator().manual_seed(0)
    rows = [torch.rand(length, 10, generator=drawn) for length in LENGTHS]
    weight, bias, factors = (
        torch.rand(*size, generator=drawn).requires_grad_() for size in ((4, 10), (4,), (3, 10))
    )
    return rows, weight, bias, factors


def of_padded(rows, *layer):
    """The layer on the padded batch, zero after the end of each video."""
    padded = torch.nn.utils.rnn.pad_sequence([row.float() for row in rows], batch_first=True)
    ended = torch.arange(max(LENGTHS)) >= torch.tensor(LENGTHS)[:, None]
    return linear_of_rows(padded, *layer).masked_fill(ended[..., None], 0)


@pytest.mark.parametrize("has_factors", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_a_list_gives_the_values_and_gradients_of_a_padded_batch(made, has_factors, dtype):
    rows, *layer = made
    rows = [row.to(dtype) for row in rows]
    layer = layer if has_factors else layer[:2]
    listed, padded = linear_of_rows(rows, *layer), of_padded(rows, *layer)
    torch.testing.assert_close(listed, padded, rtol=1e-6, atol=1e-6)
    ours, theirs = (torch.autograd.grad(one.square().sum(), layer) for one in (listed, padded))
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def test_the_gradient_is_that_of_finite_differences(made):
    rows, *layer = made
    rows = [row.double() for row in rows]
    layer = [one.detach().double().requires_grad_() for one in layer]
    assert torch.autograd.gradcheck(lambda *some: linear_of_rows(rows, *some), layer)


def test_under_autocast_products_are_in_its_type(made):
    rows, *layer = made
    exact = linear_of_rows(rows, *layer)
    with torch.autocast("cpu", torch.bfloat16):
        cast = linear_of_rows(rows, *layer)
    assert cast.dtype == exact.dtype == torch.float32
    assert not torch.equal(cast, exact)
    torch.testing.assert_close(cast, exact, rtol=2e-2, atol=2e-2)
    ours, theirs = (torch.autograd.grad(one.sum(), layer) for one in (cast, exact))
    torch.testing.assert_close(ours, theirs, rtol=2e-2, atol=2e-2)
