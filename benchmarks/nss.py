"""RAPIQUE's statistics in torch against a plain numpy and scipy version of the same definition.

The plain version computes one map after another in float64; the tests compare the extractor with
it. Both describe the same seconds of the same frames, in turn, in one run. The ratios are those of
their wall times in each round. Processes of several workers are started before the measurement.
Run: python benchmarks/nss.py [--sizes 960x540] [--workers 1 2] [--precision float32]
"""

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage
from scipy.special import gamma

from vqa.features.nss import NSS
from vqa.features.nss.chosen_frames import windows
from vqa.video import VideoInfo

EPSILON = np.finfo(float).eps
SHAPES = np.arange(100, 6001) / 1000
RATIOS = gamma(1 / SHAPES) * gamma(3 / SHAPES) / gamma(2 / SHAPES) ** 2
SHIFTS = ((0, 1), (1, 0), (1, 1), (-1, 1))
CROSS = np.array([[0, 1, 0], [-1, 0, -1], [0, 1, 0]], dtype=float)
DIAGONALS = np.array([[1, 0, -1], [0, 0, 0], [-1, 0, 1]], dtype=float)
SIGNS = ["++++----", "++--++--", "++----++", "+-+-+-+-", "+-+--+-+", "+--++--+", "+--+-++-"]


def literal_ggd(v):
    square, magnitude = np.mean(v**2), np.mean(np.abs(v))
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.abs(square / magnitude**2 - RATIOS)
    return SHAPES[np.argmin(distance)], np.sqrt(square)


def literal_aggd(v):
    with np.errstate(divide="ignore", invalid="ignore"):
        left = np.sqrt(np.sum(v[v < 0] ** 2) / np.sum(v < 0))
        right = np.sqrt(np.sum(v[v > 0] ** 2) / np.sum(v > 0))
        g, ratio = left / right, np.mean(np.abs(v)) ** 2 / np.mean(v**2)
        ratio = ratio * (g**3 + 1) * (g + 1) / (g**2 + 1) ** 2
        a = SHAPES[np.argmin((1 / RATIOS - ratio) ** 2)]
        mean = (right - left) * gamma(2 / a) / gamma(1 / a) * np.sqrt(gamma(1 / a) / gamma(3 / a))
    return a, mean, left, right


def gaussian(side, deviation):
    x = np.arange(side) - (side - 1) / 2
    kernel = np.exp(-(x[:, None] ** 2 + x**2) / (2 * deviation**2))
    return kernel / kernel.sum()


def correlate(x, kernel, origin=0):
    return ndimage.correlate(x, kernel, mode="nearest", origin=origin)


def literal_statistics(x):
    """Compute the 34 statistics of a map (H, W)."""
    window = gaussian(7, 7 / 6)
    mean = correlate(x, window)
    sigma = np.sqrt(np.abs(correlate(x * x, window) - mean**2))
    m = (x - mean) / (sigma + 1)
    sigma = sigma + EPSILON
    with np.errstate(divide="ignore"):
        out = [*literal_ggd(m), sigma.mean(), (sigma.mean() / sigma.std(ddof=1)) ** 2]
    for shift in SHIFTS:
        out += literal_aggd(m * np.roll(m, shift, (0, 1)))
    q = np.log(np.abs(m) + 0.1)
    h, v, d1, d2 = (np.roll(q, shift, (0, 1)) for shift in SHIFTS)
    corners = q + d1 - h - v
    for part in (
        *(q - h, q - v, q - d1, q - d2, corners),
        *(correlate(q, CROSS), correlate(q, DIAGONALS)),
    ):
        out += literal_ggd(part)
    return np.array(out)


def cubic(x):
    x = np.abs(x)
    near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x <= 1, near, np.where(x <= 2, far, 0))


def literal_imresize(x, scale):
    """Compute MATLAB's bicubic imresize of (H, W) or (H, W, C); uint8 is rounded in each pass."""
    out, shrink = x.astype(float), min(scale, 1)
    for axis in (0, 1):
        old, new = x.shape[axis], int(np.ceil(scale * x.shape[axis]))
        centre = np.arange(1, new + 1) / scale + (1 - 1 / scale) / 2
        places = np.floor(centre - 2 / shrink)[:, None] + np.arange(np.ceil(4 / shrink) + 2)
        weights = cubic(shrink * (centre[:, None] - places))
        weights /= weights.sum(1, keepdims=True)
        mirror = np.concatenate([np.arange(old), np.arange(old)[::-1]])
        places = mirror[np.mod(places.astype(int) - 1, 2 * old)]
        moved = np.moveaxis(out, axis, 0)
        tail = (1,) * (moved.ndim - 1)
        moved = sum(
            w.reshape(-1, *tail) * moved[p] for w, p in zip(weights.T, places.T, strict=True)
        )
        out = np.moveaxis(moved, 0, axis)
        if x.dtype == np.uint8:
            out = to_bytes(out).astype(float)
    return to_bytes(out) if x.dtype == np.uint8 else out


def to_bytes(x):
    return np.clip(np.floor(x + 0.5), 0, 255).astype(np.uint8)


def literal_rgb(y, u, v, matrix):
    """Convert uint8 planes to RGB uint8 (H, W, 3)."""
    height, width = y.shape
    u, v = (literal_imresize(p.astype(float), 2)[:height, :width] for p in (u, v))
    y = y.astype(float)
    if matrix == "original":
        u, v = u - 127, v - 127
        return to_bytes(np.stack([y + 1.4022 * v, y - 0.3456 * u - 0.7145 * v, y + 1.771 * u], -1))
    forward = [[65.481, 128.553, 24.966], [-37.797, -74.203, 112], [112, -93.786, -18.214]]
    shifted = np.stack([y, to_bytes(u), to_bytes(v)], -1) - [16.0, 128.0, 128.0]
    return to_bytes(shifted @ (255 * np.linalg.inv(forward)).T)


def derivative_magnitude(x):
    t = np.arange(-5, 6)
    smooth = np.exp(-(t**2) / (2 * 1.66**2))

    def filtered(vertical, horizontal):
        down = ndimage.convolve1d(x, vertical, axis=0, mode="constant")
        return ndimage.convolve1d(down, horizontal, axis=1, mode="constant")

    return np.sqrt(filtered(smooth, t * smooth) ** 2 + filtered(t * smooth, smooth) ** 2) + EPSILON


def lab(rgb):
    blurred = np.stack([correlate(rgb[..., c].astype(float), gaussian(3, 3)) for c in range(3)], -1)
    code = to_bytes(blurred) / 255
    linear = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    bradford = np.array(
        [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
    )
    colourants = [[0.4361, 0.3851, 0.1431], [0.2225, 0.7169, 0.0606], [0.0139, 0.0971, 0.7141]]
    white, old = np.array([0.9504, 1, 1.0888]), np.array([0.9642, 1, 0.8251])
    adapt = np.linalg.inv(bradford) @ np.diag(bradford @ white / (bradford @ old)) @ bradford
    xyz = linear @ (adapt @ colourants).T / white
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz * (29 / 6) ** 2 / 3 + 4 / 29)
    a, b = 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])
    return to_bytes(a + 128).astype(float), to_bytes(b + 128).astype(float)


def literal_spatial_maps(rgb):
    """Compute the twenty maps of RGB uint8 (H, W, 3), in the order of the features."""
    r, g, b = (rgb[..., c].astype(float) for c in range(3))
    y = to_bytes(0.298936 * r + 0.587043 * g + 0.114021 * b).astype(float)
    slope = np.outer([1, 2, 1], [1, 0, -1]).astype(float)
    gradient = np.sqrt(correlate(y, slope) ** 2 + correlate(y, slope.T) ** 2)
    t = np.arange(-4, 5)
    square = t[:, None] ** 2 + t**2
    log = gaussian(9, 1.5) * (square - 2 * 1.5**2) / 1.5**4
    log -= log.mean()
    log_response = np.abs(correlate(y, log / np.abs(log).sum()))
    maps = []
    for x in (y, gradient, log_response, y - correlate(y, gaussian(8, 1), origin=-1)):
        maps += [x, literal_imresize(x, 0.5)]
    logs = [np.log(c + 0.1) - np.log(c + 0.1).mean() for c in (r, g, b)]
    pairs = [
        (0.30 * r + 0.04 * g - 0.35 * b, 0.34 * r - 0.60 * g + 0.17 * b),
        ((logs[0] + logs[1] - 2 * logs[2]) / np.sqrt(6), (logs[0] - logs[1]) / np.sqrt(2)),
        lab(rgb),
    ]
    for one, two in pairs:
        both = (one, two, derivative_magnitude(one), derivative_magnitude(two))
        maps += [literal_imresize(x, 0.5) for x in both]
    return maps


def literal_temporal_maps(luma, ratio, double_resize=True):
    """Compute the fourteen bands of up to eight luma planes (H, W)."""
    planes = [literal_imresize(x, ratio) if ratio < 1 else x for x in luma]
    maps = []
    for band in SIGNS:
        x = sum(p if sign == "+" else -p for p, sign in zip(planes, band, strict=False))
        if ratio < 1 and double_resize:
            x = literal_imresize(x, ratio)
        maps += [x, literal_imresize(x, 0.5)]
    return maps


def literal_second(planes, window, matrix="bt601", double_resize=True):
    """The 1836 statistics of one second; `planes` has (y, u, v), uint8, of each needed frame."""
    ratio = min(1, 512 / min(planes[window.centre][0].shape))
    vectors = []
    for index in (window.before, window.after):
        rgb = literal_rgb(*planes[index], matrix)
        maps = literal_spatial_maps(literal_imresize(rgb, ratio) if ratio < 1 else rgb)
        vectors.append(np.concatenate([literal_statistics(x) for x in maps]))
    luma = [planes[index][0].astype(float) for index in window.run]
    bands = literal_temporal_maps(luma, ratio, double_resize)
    temporal = np.concatenate([literal_statistics(x) for x in bands])
    return np.concatenate([(vectors[0] + vectors[1]) / 2, abs(vectors[0] - vectors[1]), temporal])


def split_planes(frame, height, width):
    """Split a flat planar 4:2:0 frame into (y, u, v)."""
    small = (-(-height // 2), -(-width // 2))
    y, u, v = np.split(frame, [height * width, height * width + small[0] * small[1]])
    return y.reshape(height, width), u.reshape(small), v.reshape(small)


def literal_features(frames, info, **options):
    """Compute the features (seconds, 1836) of `frames`, a dict of flat planar frames by index."""
    planes = {i: split_planes(frame, info.height, info.width) for i, frame in frames.items()}
    found = windows(info.frames, info.frame_rate_hz)
    return np.stack([literal_second(planes, window, **options) for window in found])


def moving_pattern(frames, height, width, seed=0):
    """Return frames (frames, P): a drifting, noisy texture, planar 4:2:0, uint8."""
    rng = np.random.default_rng(seed)
    texture = ndimage.gaussian_filter(
        rng.normal(0, 1, (height + 2 * frames, width + 2 * frames)), 3
    )
    texture = 128 + 90 * texture / np.abs(texture).max() * 2
    rows = []
    for t in range(frames):
        y = texture[2 * t : 2 * t + height, t : t + width] + rng.normal(0, 2, (height, width))
        u = 128 + 0.4 * (y[::2, ::2] - 128) + 10
        v = 128 - 0.3 * (y[::2, ::2] - 128) - 6
        rows.append(np.concatenate([np.clip(p, 16, 235).ravel() for p in (y, u, v)]))
    return np.stack(rows).astype(np.uint8)


def made_up_info(frames, height, width, rate_hz):
    """Return the facts of a file with such frames."""
    times_s = np.arange(frames) / rate_hz
    facts = ("rawvideo", "rawvideo", "yuv420p", width, height, frames, rate_hz, frames / rate_hz)
    return VideoInfo(Path("pattern.yuv"), *facts, 0, False, (0,), times_s)


def timed(action):
    """Return the wall time of an action in seconds."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="+", default=["960x540", "1920x1080"])
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rate", type=int, default=12, help="frames per second")
    parser.add_argument("--workers", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    torch.set_num_threads(NSS.threads)
    for size in options.sizes:
        width, height = map(int, size.split("x"))
        info = made_up_info(options.rate * options.seconds, height, width, options.rate)
        frames = moving_pattern(info.frames, height, width)
        needed = {}
        actions = {"plain": lambda: literal_features(needed, info)}  # noqa: B023
        for workers in options.workers:
            extractor = NSS(device=options.device, precision=options.precision, workers=workers)
            needed.update({i: frames[i] for i in extractor.indices(info)})
            chunks = np.stack(list(needed.values()))
            actions[f"torch, {workers} workers"] = lambda e=extractor, c=chunks: e.describe(
                iter([c]),
                info,  # noqa: B023
            )
        for name, action in actions.items():
            if name != "plain":
                action()  # starts processes, computes constants
        spent = {name: [] for name in actions}
        for _ in range(options.rounds):
            for name, action in actions.items():
                spent[name].append(timed(action))
        count = len(windows(info.frames, info.frame_rate_hz))
        print(f"{size}, {count} vectors, {options.precision}, {options.device}")
        for name, times in spent.items():
            wall = statistics.median(times)
            ratios = [a / b for a, b in zip(spent["plain"], times, strict=True)]
            print(
                f"  {name:18s} {count / wall:7.2f} vectors/s, {wall / count:6.3f} s each: "
                f"{statistics.median(ratios):5.1f}x ({min(ratios):.1f} to {max(ratios):.1f})",
                flush=True,
            )


if __name__ == "__main__":
    main()
