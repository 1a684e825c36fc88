"""The 34 natural scene statistics of a map, the building blocks of RAPIQUE.

Tu, Yu, Wang, Birkbeck, Adsumilli and Bovik, "RAPIQUE: rapid and accurate video quality prediction
of user generated content", IEEE OJSP 2021. They describe the mean-subtracted contrast-normalised
(MSCN) coefficients of a map, the local deviation, the products of neighbouring coefficients and the
differences of their logarithms.

Local moments are computed in float64: a variance is a difference of squares, and in flat regions
only rounding errors remain of it. Coefficients and their sums may be float32. On a CPU, maps are
processed in blocks of rows that stay in the processor's cache, where a pass costs a fraction of one
over a whole map.

Shapes: B maps, H W size, b maps and R rows of a block; M coefficients, Q their logarithms.
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from vqa.features.nss.fits import aggd_from_sums, ggd_from_sums

STATISTICS = 34
SHIFTS = ((0, 1), (1, 0), (1, 1), (-1, 1))  # rows, columns; circular
WINDOW = 7  # pixels; Gaussian of deviation 7/6
LOG_OFFSET = 0.1
EPSILON = 2.0**-52
BLOCK_PIXELS = {"cpu": 1 << 16, "cuda": 1 << 25}


def nss_statistics(maps: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Compute the 34 statistics of real-valued maps, in the order of `names.MEANINGS`.

    These are GGD (gamma, s) of M; mean and (mean / deviation)^2 of the local deviation; AGGD
    (alpha, eta, l, r) of the products of M with itself shifted by each of `SHIFTS`; GGD of seven
    combinations of Q with its neighbours.

    Args:
        maps: (..., H, W), any floating type.
        dtype: Type of M, Q and everything computed from them.

    Returns:
        (..., 34) float64; NaN or infinite where a map leaves a statistic undefined.
    """
    height, width = maps.shape[-2:]
    flat = maps.reshape(-1, height, width)
    limit = BLOCK_PIXELS.get(flat.device.type, 1 << 16)
    batch = max(1, limit // ((height + 2) * (width + 2)))
    blocks = max(1, round(min(batch, len(flat)) * height * width / limit))
    rows = math.ceil(height / blocks)
    parts = zip(*(_sums_of_maps(part, rows, dtype) for part in flat.split(batch)), strict=True)
    coefficients, spread, sides, logs = (torch.cat(sums) for sums in parts)
    count = height * width
    statistics = [
        ggd_from_sums(count, *coefficients.unbind(-1)),
        spread,
        aggd_from_sums(count, sides[..., 0, :], sides[..., 1, :]).flatten(-2),
        ggd_from_sums(count, *logs.unbind(-1)).flatten(-2),
    ]
    return torch.cat(statistics, -1).reshape(*maps.shape[:-2], STATISTICS)


def mscn(maps: Tensor, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    """Return coefficients M and local deviation sigma of maps (..., H, W), borders replicated."""
    height, width = maps.shape[-2:]
    flat = maps.reshape(-1, height, width)
    value, sigma = _normalise(_reach(flat, 0, height), dtype)
    return value.reshape(maps.shape), sigma.reshape(maps.shape)


def _sums_of_maps(maps: Tensor, rows: int, dtype: torch.dtype) -> tuple[Tensor, ...]:
    """Compute what the statistics of maps (b, H, W) need, `rows` rows at a time.

    Returns:
        Sums of M (b, 2), mean and ratio of the local deviation (b, 2), sums of the products
        (b, 4, 2, 3) and sums of the combinations of Q (b, 7, 2).
    """
    batch, height, width = maps.shape
    blocks = [(start, min(start + rows, height)) for start in range(0, height, rows)]
    # Both have a border of one pixel, which is filled after the inside.
    m = maps.new_empty(batch, height + 2, width + 2, dtype=dtype)
    q = torch.empty_like(m)
    spreads, coefficients = [], []
    for start, stop in blocks:
        value, sigma = _normalise(_reach(maps, start, stop), dtype)
        m[:, start + 1 : stop + 1, 1:-1] = value
        magnitude = value.abs_()
        coefficients.append(_gathered([_total(magnitude), _norm(magnitude)], (2,)))
        torch.log(magnitude.add_(LOG_OFFSET), out=q[:, start + 1 : stop + 1, 1:-1])
        spreads.append(_spread(sigma))
    _wrap(m)
    _wrap(q)
    sides = sum(_product_sums(m[:, start : stop + 2]) for start, stop in blocks)
    circular = sum(_sums(_circular(q[:, start : stop + 2])) for start, stop in blocks)
    _replicate(q)
    local = sum(_sums(_local(q[:, start : stop + 2])) for start, stop in blocks)
    return sum(coefficients), _pooled(spreads), sides, torch.cat([circular, local], 1)


def _reach(maps: Tensor, start: int, stop: int) -> Tensor:
    """Return the rows (b, R + 6, W) float64 that windows over R rows of (b, H, W) use.

    Beyond the map, its outermost row is repeated.
    """
    margin, height = WINDOW // 2, maps.shape[-2]
    first, last = start - margin, stop + margin
    inside = maps[:, max(first, 0) : last].to(torch.float64)
    above, below = max(-first, 0), max(last - height, 0)
    if not (above or below):
        return inside
    top, bottom = inside[:, :1].expand(-1, above, -1), inside[:, -1:].expand(-1, below, -1)
    return torch.cat([top, inside, bottom], 1)


def _normalise(x: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Return M and sigma (b, R, W) of float64 rows (b, R + 6, W) that include their margin."""
    margin = WINDOW // 2
    mean = _smooth(x)
    variance = _smooth(x * x).addcmul_(mean, mean, value=-1)
    sigma = variance.abs_().to(dtype).sqrt_()
    value = torch.sub(x[..., margin : x.shape[-2] - margin, :], mean, out=mean).to(dtype)
    return value.div_(sigma + 1), sigma


def _smooth(x: Tensor) -> Tensor:
    """Apply the Gaussian window to (..., R + 6, W): (..., R, W), with border columns replicated.

    Taps are added one by one, so that every pixel is summed in the same order. The weights add up
    to slightly less than one: in flat regions only rounding errors remain of M, and the products
    depend on their sign. This way it is the same everywhere and never zero in places, much as in
    MATLAB's output.
    """
    margin = WINDOW // 2
    weights = [math.exp(-((k / (WINDOW / 6)) ** 2) / 2) for k in range(-margin, margin + 1)]
    weights = [weight / sum(weights) * (1 - 2.0**-50) for weight in weights]
    rows, width = x.shape[-2] - 2 * margin, x.shape[-1]
    across = x.new_empty(*x.shape[:-2], rows, width + 2 * margin)
    inside = across[..., margin:-margin]
    torch.mul(x[..., :rows, :], weights[0], out=inside)
    for k in range(1, WINDOW):
        inside.add_(x[..., k : k + rows, :], alpha=weights[k])
    across[..., :margin] = across[..., margin : margin + 1]
    across[..., -margin:] = across[..., -margin - 1 : -margin]
    out = across[..., :width] * weights[0]
    for k in range(1, WINDOW):
        out.add_(across[..., k : k + width], alpha=weights[k])
    return out


def _wrap(x: Tensor) -> None:
    """Fill the border of (b, H + 2, W + 2) from the opposite sides."""
    x[:, 0], x[:, -1] = x[:, -2], x[:, 1]
    x[..., 0], x[..., -1] = x[..., -2], x[..., 1]


def _replicate(x: Tensor) -> None:
    """Fill the border of (b, H + 2, W + 2) from the nearest pixels."""
    x[:, 0], x[:, -1] = x[:, 1], x[:, -2]
    x[..., 0], x[..., -1] = x[..., 1], x[..., -2]


def _at(x: Tensor, row: int, column: int) -> Tensor:
    """Return the view (b, R, W) of a bordered (b, R + 2, W + 2), shifted to a neighbour."""
    height, width = x.shape[-2] - 2, x.shape[-1] - 2
    return x[:, 1 + row : 1 + row + height, 1 + column : 1 + column + width]


def _product_sums(m: Tensor) -> Tensor:
    """Return `fits.sums` of the negative and positive products of each shift: (b, 4, 2, 3)."""
    centre = _at(m, 0, 0)
    sums = []
    for row, column in SHIFTS:
        product = centre * _at(m, -row, -column)
        for side in (product.clamp(max=0), product.clamp_(min=0)):
            absolute, norm = _total(side), _norm(side)
            sums += [_total(side.sign_()), absolute, norm]
    return _gathered(sums, (len(SHIFTS), 2, 3)).abs_()


def _circular(q: Tensor) -> Iterator[Tensor]:
    """Yield the five combinations of Q with its shifted copies, (b, R, W) each."""
    centre = _at(q, 0, 0)
    for row, column in SHIFTS:
        yield centre - _at(q, -row, -column)
    yield (centre - _at(q, 0, -1)).add_(_at(q, -1, -1)).sub_(_at(q, -1, 0))


def _local(q: Tensor) -> Iterator[Tensor]:
    """Yield two 3 x 3 filters of Q: vertical minus horizontal neighbours, and the diagonals."""
    yield (_at(q, -1, 0) + _at(q, 1, 0)).sub_(_at(q, 0, -1)).sub_(_at(q, 0, 1))
    yield (_at(q, -1, -1) + _at(q, 1, 1)).sub_(_at(q, -1, 1)).sub_(_at(q, 1, -1))


def _sums(parts: Iterator[Tensor]) -> Tensor:
    """Return sums of magnitudes and of squares (b, parts, 2); the parts are overwritten."""
    sums = [reduced for x in parts for reduced in (_total(x.abs_()), _norm(x))]
    return _gathered(sums, (-1, 2))


def _total(x: Tensor) -> Tensor:
    """Return the sum over rows and columns, (b,)."""
    return x.sum((-2, -1))


def _norm(x: Tensor) -> Tensor:
    """Return the root of the sum of squares over rows and columns, (b,)."""
    return torch.linalg.vector_norm(x, dim=(-2, -1))


def _gathered(sums: list[Tensor], shape: tuple[int, ...]) -> Tensor:
    """Stack sums (b,) to float64 (b, *shape); the norms, last on the last axis, are squared."""
    table = torch.stack(sums, -1).to(torch.float64).unflatten(-1, shape)
    table[..., -1].square_()
    return table


def _spread(x: Tensor) -> Tensor:
    """Return count, mean and sum of squared deviations (b, 3) of (b, R, W), overwriting it."""
    count = x.shape[-2] * x.shape[-1]
    mean = _total(x) / count
    norm = _norm(x.sub_(mean[:, None, None]))
    return _gathered([torch.full_like(mean, count), mean, norm], (3,))


def _pooled(parts: list[Tensor]) -> Tensor:
    """Return mean and (mean / deviation)^2 (b, 2) of all blocks from the `_spread` of each."""
    count, mean, squares = torch.stack(parts).unbind(-1)
    total = count.sum(0)
    overall = (count * mean).sum(0) / total
    squares = squares.sum(0) + (count * (mean - overall).square()).sum(0)
    overall = overall + EPSILON
    return torch.stack([overall, overall.square() / (squares / (total - 1))], -1)
