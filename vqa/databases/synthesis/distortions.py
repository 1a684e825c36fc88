"""Distortions of amateur video, each controlled by one severity.

A severity ranges from 0 (none) to 1 (very annoying) in steps that should look even: amounts that
the eye judges by ratio (blur, noise, flicker) grow geometrically with it. Video is float32
`(T, H, W, 3)` in 0..1; each function returns a new array. The encoder does `compression`, with the
rate factor that `crf` returns.
"""

from collections.abc import Callable, Mapping
from itertools import pairwise

import numpy as np

PRISTINE_CRF = 17.0


def crf(severity: float) -> float:
    """Constant rate factor of x264 for a severity; below 18, differences are hardly visible."""
    return PRISTINE_CRF if severity == 0.0 else round(27.0 + 24.0 * severity, 1)


def defocus(video: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Blur as a lens out of focus does: with a disc of radius 0.9 to 7 pixels."""
    radius = 0.9 * (7.0 / 0.9) ** severity
    return _convolve(video, _disc(radius))


def motion_blur(video: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Blur as a slow shutter does: along a line of 3 to 24 pixels in a random direction."""
    length = 3.0 * 8.0**severity
    return _convolve(video, _line(length, rng.uniform(0.0, np.pi)))


def exposure(video: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Make the video too dark, too bright (with clipped highlights) or too flat, at random."""
    fault = rng.integers(3)
    if fault == 0:
        return video * np.float32(2.0 ** (-2.6 * severity))
    if fault == 1:
        return np.minimum(video * np.float32(2.0 ** (1.7 * severity)), 1.0)
    veil = np.float32(rng.uniform(0.35, 0.75))
    return veil + (video - veil) * np.float32(1.0 - 0.85 * severity)


def flicker(video: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Modulate brightness as lamps do: amplitude 4 to 48 %, period 4 to 8 frames."""
    amplitude = 0.04 * 12.0**severity
    phase = 2.0 * np.pi * (np.arange(len(video)) / rng.uniform(4.0, 8.0) + rng.uniform())
    beat = 1.0 + amplitude * np.sin(phase)
    return np.clip(video * beat.astype(np.float32)[:, None, None, None], 0.0, 1.0)


def noise(video: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Add sensor noise, new in each frame: fine grain in luminance, coarse in chroma."""
    deviation = np.float32(4.0 / 255.0 * 11.0**severity)
    frames, height, width, _ = video.shape
    grain = rng.standard_normal((frames, height, width, 1), dtype=np.float32)
    blotches = rng.standard_normal(
        (frames, (height + 1) // 2, (width + 1) // 2, 3), dtype=np.float32
    )
    blotches -= blotches.mean(axis=-1, keepdims=True)
    blotches = blotches.repeat(2, axis=1).repeat(2, axis=2)[:, :height, :width]
    return np.clip(video + deviation * (grain + np.float32(0.6) * blotches), 0.0, 1.0)


def freeze(video: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Lose frames: the picture freezes and then jumps, frozen for 12 to 80 % of the time."""
    frames = len(video)
    share = 0.12 + 0.68 * severity
    bounds = np.linspace(0, frames, max(2, round(frames / 12)) + 1).astype(int)
    shown = np.arange(frames)
    for start, stop in pairwise(bounds):
        held = max(1, round(share * (stop - start)))
        first = start + rng.integers(0, stop - start - held + 1)
        shown[first : first + held + 1] = first
    return video[shown]


DISTORTIONS: Mapping[str, Callable[[np.ndarray, float, np.random.Generator], np.ndarray]] = {
    "motion_blur": motion_blur,
    "defocus": defocus,
    "exposure": exposure,
    "flicker": flicker,
    "noise": noise,
    "freeze": freeze,
}  # in the order of a camera: light, lens, sensor, transmission


def distort(
    shot: np.ndarray, severities: Mapping[str, float], rng: np.random.Generator
) -> np.ndarray:
    """Apply all distortions but compression, in the order of `DISTORTIONS`.

    Args:
        shot: uint8 `(T, H, W, 3)`.
        severities: Severity by name; `compression` is left to the encoder.
        rng: Draws grain, directions and times. It affects pixels, never labels.

    Returns:
        uint8 `(T, H, W, 3)`.
    """
    wanted = [(name, severities[name]) for name in DISTORTIONS if severities.get(name)]
    if not wanted:
        return shot
    video = shot.astype(np.float32) / np.float32(255.0)
    for name, severity in wanted:
        video = DISTORTIONS[name](video, severity, rng)
    return np.rint(np.clip(video, 0.0, 1.0) * np.float32(255.0)).astype(np.uint8)


def _convolve(video: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    from scipy.signal import fftconvolve  # here, because only new files need the slow import

    half = len(kernel) // 2
    padded = np.pad(video, ((0, 0), (half, half), (half, half), (0, 0)), mode="symmetric")
    blurred = fftconvolve(padded, kernel[None, :, :, None], mode="valid", axes=(1, 2))
    return np.clip(blurred, 0.0, 1.0)


def _disc(radius: float) -> np.ndarray:
    """A disc with a soft edge: float32, odd side, sum 1."""
    half = int(np.ceil(radius + 0.5))
    y, x = np.mgrid[-half : half + 1, -half : half + 1]
    disc = np.clip(radius + 0.5 - np.hypot(x, y), 0.0, 1.0)
    return (disc / disc.sum()).astype(np.float32)


def _line(length: float, angle: float) -> np.ndarray:
    """A line through the centre with soft edges: float32, odd side, sum 1."""
    half = int(np.ceil(length / 2.0 + 0.5))
    y, x = np.mgrid[-half : half + 1, -half : half + 1]
    along = x * np.cos(angle) + y * np.sin(angle)
    across = x * np.sin(angle) - y * np.cos(angle)
    line = np.clip(length / 2.0 + 0.5 - np.abs(along), 0.0, 1.0)
    line = line * np.clip(1.0 - np.abs(across), 0.0, 1.0)
    return (line / line.sum()).astype(np.float32)
