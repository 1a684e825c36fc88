"""Parts of the statistics against literal formulas: imresize, fits, the 34 numbers, maps."""

import math

import numpy as np
import pytest
import torch

from benchmarks import nss as literal
from vqa.features.nss.banded import correlation
from vqa.features.nss.colour import yuv_to_rgb
from vqa.features.nss.fits import aggd_fit, ggd_fit
from vqa.features.nss.imresize import imresize
from vqa.features.nss.map_statistics import mscn, nss_statistics
from vqa.features.nss.maps import spatial_maps, temporal_maps

GRID = [round(0.1 + 0.001 * k, 3) for k in range(5901)]


def picture(height, width, seed=0):
    """Return a textured map with a flat region in a corner, whole numbers 0..255."""
    frame = literal.moving_pattern(1, height + 1, width + 1, seed)[0]
    x = frame[: (height + 1) * (width + 1)].reshape(height + 1, width + 1)[:height, :width]
    return x.astype(float)


def loop_imresize(x, size, scales, rounded):
    """Compute MATLAB's imresize pixel by pixel."""

    def kernel(t):
        t = abs(t)
        if t <= 1:
            return 1.5 * t**3 - 2.5 * t**2 + 1
        return -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2 if t <= 2 else 0.0

    def row(samples, new, scale):
        old, out, shrink = len(samples), [], min(scale, 1)
        for i in range(1, new + 1):
            centre = i / scale + 0.5 * (1 - 1 / scale)
            first = math.floor(centre - 2 / shrink)
            taps = [(j, kernel(shrink * (centre - j))) for j in range(first, first + 40)]
            total = value = 0.0
            for j, weight in taps:
                k = (j - 1) % (2 * old)
                value += weight * samples[k if k < old else 2 * old - 1 - k]
                total += weight
            value /= total
            out.append(min(max(math.floor(value + 0.5), 0), 255) if rounded else value)
        return out

    for axis in sorted((0, 1), key=lambda a: scales[a]):
        rows = x.T if axis == 0 else x
        x = np.array([row(list(r), size[axis], scales[axis]) for r in rows])
        x = x.T if axis == 0 else x
    return x


@pytest.mark.parametrize("rounded", [False, True])
@pytest.mark.parametrize("scale", [0.5, 2.0, 512 / 540, 0.31, 1.7])
def test_imresize_by_a_factor_equals_the_loop(scale, rounded):
    x = np.random.default_rng(1).integers(0, 256, (13, 18)).astype(float)
    size = tuple(math.ceil(scale * n) for n in x.shape)
    expected = loop_imresize(x, size, (scale, scale), rounded)
    batch = torch.tensor(np.stack([x, 255 - x]))
    ours = imresize(batch, scale, rounded=rounded)
    assert ours.shape == (2, *size)
    np.testing.assert_allclose(ours[0], expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize("size", [(7, 30), (20, 5), (7, 9)])
def test_imresize_to_a_size_takes_the_smaller_factor_first(size):
    x = np.random.default_rng(2).integers(0, 256, (14, 18)).astype(float)
    scales = tuple(new / old for new, old in zip(size, x.shape, strict=True))
    expected = loop_imresize(x, size, scales, True)
    ours = imresize(torch.tensor(x), size=size, rounded=True)
    assert np.array_equal(ours, expected)


def test_imresize_needs_either_scale_or_size():
    with pytest.raises(ValueError, match="scale or size"):
        imresize(torch.zeros(4, 4))
    with pytest.raises(ValueError, match="no side may vanish"):
        imresize(torch.zeros(4, 4), size=(0, 3))


@pytest.mark.parametrize("shape", [0.3, 0.7, 1.0, 2.0, 5.0])
def test_ggd_fit_is_the_nearest_grid_value(shape):
    rng = np.random.default_rng(3)
    x = rng.gamma(1 / shape, 1, (3, 4000)) ** (1 / shape) * rng.choice([-1, 1], (3, 4000))
    ours = ggd_fit(torch.tensor(x))
    for row, (gamma, s) in zip(x, ours.tolist(), strict=True):
        square, magnitude = np.mean(row**2), np.mean(np.abs(row))
        distance = [
            abs(
                square / magnitude**2
                - math.gamma(1 / g) * math.gamma(3 / g) / math.gamma(2 / g) ** 2
            )
            for g in GRID
        ]
        assert gamma == pytest.approx(GRID[int(np.argmin(distance))], abs=1e-12)
        assert s == pytest.approx(math.sqrt(square), rel=1e-12)


@pytest.mark.parametrize("gain", [0.2, 1.0, 3.0])
def test_aggd_fit_is_the_nearest_grid_value(gain):
    x = np.random.default_rng(4).standard_t(4, (3, 5000))
    x[x > 0] *= gain
    x[:, :50] = 0
    ours = aggd_fit(torch.tensor(x))
    for row, fitted in zip(x, ours.tolist(), strict=True):
        np.testing.assert_allclose(fitted, literal.literal_aggd(row), rtol=1e-9)


def test_fits_reach_every_value_of_the_grid():
    ratios = torch.tensor(literal.RATIOS)
    samples = torch.stack([1 + (ratios - 1).sqrt(), 1 - (ratios - 1).sqrt()], -1)
    # two samples 1 +- d have the mean 1 and the mean square 1 + d^2, as long as d stays below 1
    usable = ratios < 2
    expected = torch.tensor(literal.SHAPES)[usable]
    assert torch.equal(ggd_fit(samples[usable])[:, 0], expected)


def test_undefined_fits_agree_with_matlab():
    zero = torch.zeros(1, 9)
    assert ggd_fit(zero).tolist() == [[0.1, 0.0]]
    assert aggd_fit(zero)[0, 0] == 0.1
    assert aggd_fit(zero)[0, 1:].isnan().all()
    alpha, mean, left, right = aggd_fit(torch.tensor([1.0, 2.0, 3.0])).tolist()
    assert alpha == 0.1
    assert math.isnan(mean)
    assert math.isnan(left)
    assert right == pytest.approx(math.sqrt(14 / 3))


@pytest.mark.parametrize(("height", "width"), [(40, 57), (7, 3), (150, 500), (33, 2)])
def test_the_34_numbers_agree_with_the_plain_version(height, width):
    x = picture(height, width) + np.random.default_rng(5).normal(0, 5, (height, width))
    expected = literal.literal_statistics(x)
    exact = nss_statistics(torch.tensor(x), torch.float64)
    np.testing.assert_allclose(exact, expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(nss_statistics(torch.tensor(x)), expected, rtol=2e-3, atol=1e-5)


def test_maps_of_a_batch_are_independent():
    x = torch.tensor(np.stack([picture(60, 80, seed) for seed in range(6)])).reshape(2, 3, 60, 80)
    together = nss_statistics(x)
    assert together.shape == (2, 3, 34)
    apart = torch.stack([torch.stack([nss_statistics(m) for m in row]) for row in x])
    torch.testing.assert_close(together, apart, rtol=1e-6, atol=1e-9)


def test_mscn_is_the_local_normalisation():
    x = picture(20, 31)
    window = literal.gaussian(7, 7 / 6)
    padded = np.pad(x, 3, mode="edge")
    value, sigma = mscn(torch.tensor(x))
    for row, column in [(0, 0), (19, 30), (7, 11), (3, 0)]:
        patch = padded[row : row + 7, column : column + 7]
        mean = (window * patch).sum()
        deviation = math.sqrt(abs((window * patch**2).sum() - mean**2))
        assert sigma[row, column].item() == pytest.approx(deviation, rel=1e-7, abs=1e-6)
        expected = (x[row, column] - mean) / (deviation + 1)
        assert value[row, column].item() == pytest.approx(expected, rel=1e-7, abs=1e-9)


def test_borders_of_correlation():
    kernel, x = (1.0, 2.0, 4.0, 8.0), torch.tensor([[1.0, 10.0, 100.0]], dtype=torch.float64)
    zero = correlation(kernel, 3, "zero", x.dtype, x.device)
    replicate = correlation(kernel, 3, "replicate", x.dtype, x.device)
    assert zero.across(x).tolist() == [[842.0, 421.0, 210.0]]
    assert replicate.across(x).tolist() == [[843.0, 1221.0, 1410.0]]
    assert torch.equal(zero.down(x.mT), zero.across(x).mT)
    with pytest.raises(ValueError, match="expected replicate or zero"):
        correlation(kernel, 3, "mirror", x.dtype, x.device)


@pytest.mark.parametrize("matrix", ["bt601", "original"])
def test_rgb_equals_the_plain_version_to_the_last_bit(matrix):
    rng = np.random.default_rng(6)
    y = rng.integers(0, 256, (71, 45)).astype(np.uint8)
    u, v = rng.integers(0, 256, (2, 36, 23)).astype(np.uint8)
    ours = yuv_to_rgb(*(torch.tensor(p).float() for p in (y, u, v)), matrix)
    assert np.array_equal(ours.permute(1, 2, 0), literal.literal_rgb(y, u, v, matrix))


def test_spatial_maps_agree_with_the_plain_version():
    rng = np.random.default_rng(7)
    rgb = rng.integers(0, 256, (45, 70, 3)).astype(np.uint8)
    expected = literal.literal_spatial_maps(rgb)
    x = torch.tensor(rgb).permute(2, 0, 1).double()
    for dtype, allowed in ((torch.float64, 1e-10), (torch.float32, 2e-3)):
        full, half = spatial_maps(x, dtype)
        ours = [m for k in range(4) for m in (full[k], half[k])] + list(half[4:])
        for k, (one, other) in enumerate(zip(ours, expected, strict=True)):
            if dtype == torch.float32 and k in (16, 17, 18, 19):
                continue  # 8-bit LAB: a pixel may round to the other side of a half
            np.testing.assert_allclose(one, other, rtol=0, atol=allowed * max(1, abs(other).max()))


@pytest.mark.parametrize("shape", [(40, 50), (530, 520)])
@pytest.mark.parametrize("double_resize", [True, False])
@pytest.mark.parametrize("count", [8, 3])
def test_temporal_maps_agree_with_the_plain_version(shape, double_resize, count):
    rng = np.random.default_rng(8)
    luma = rng.integers(0, 256, (count, *shape)).astype(float)
    expected = literal.literal_temporal_maps(list(luma), min(1, 512 / min(shape)), double_resize)
    full, half = temporal_maps(torch.tensor(luma), double_resize)
    assert len(full) == 7
    for k in range(7):
        np.testing.assert_allclose(full[k], expected[2 * k], rtol=0, atol=1e-9)
        np.testing.assert_allclose(half[k], expected[2 * k + 1], rtol=0, atol=1e-9)
