"""A simulated hand-held camera: it films a photograph with sub-pixel pan, zoom, roll and shake."""

import math
import random
from dataclasses import dataclass

import numpy as np
from PIL import Image

MARGIN = 2.0  # pixels that bicubic interpolation reaches beyond the window


@dataclass(frozen=True, slots=True)
class CameraPath:
    """Movement of the camera's window over one photograph.

    Attributes:
        view: Mean size of the window as a share of the largest window inside the photograph.
        heading: Direction of the pan in radians.
        speed: Speed of the pan in video pixels per frame; lower if the photograph is too small.
        place: Position of the pan within the free space, (x, y), both from 0 to 1.
        zoom: Size of the last window divided by the size of the first.
        roll: Largest rotation in radians.
        shake: Amplitude of the tremor in video pixels.
        tremor: Number of periods of the tremor and of the roll over the whole shot.
    """

    view: float
    heading: float
    speed: float
    place: tuple[float, float]
    zoom: float
    roll: float
    shake: float
    tremor: tuple[float, float]


def draw_path(draw: random.Random) -> CameraPath:
    """Draw a random path; uses only `draw.random()`, the stream that Python keeps stable."""

    def between(low: float, high: float) -> float:
        return low + (high - low) * draw.random()

    return CameraPath(
        view=between(0.68, 0.84),
        heading=between(0.0, 2.0 * math.pi),
        speed=between(0.8, 2.6),
        place=(draw.random(), draw.random()),
        zoom=between(0.87, 1.15),
        roll=between(0.0, 0.03),
        shake=between(0.2, 1.6),
        tremor=(between(1.5, 4.0), between(0.5, 1.5)),
    )


def film(
    photograph: Image.Image, path: CameraPath, frames: int, size: tuple[int, int]
) -> np.ndarray:
    """Film a photograph.

    Args:
        photograph: RGB picture; no frame extends beyond its edge.
        path: Movement of the camera.
        frames: Number of frames.
        size: Width and height of the video in pixels.

    Returns:
        uint8 `(frames, H, W, 3)`, RGB.
    """
    width, height = size
    scale = path.view * min(photograph.width / width, photograph.height / height)
    if scale > 1.0:  # shrink once with a filter, to avoid aliasing in every frame
        photograph = photograph.resize(
            (round(photograph.width / scale), round(photograph.height / scale)),
            Image.Resampling.LANCZOS,
        )
        scale = 1.0
    time = np.linspace(0.0, 1.0, frames)
    steps = scale * path.zoom ** (time - 0.5)  # pixels of the photograph per pixel of the video
    angles = path.roll * np.sin(2.0 * math.pi * path.tremor[1] * time)
    centres = _centres(photograph.size, path, time, steps, size)
    shot = np.empty((frames, height, width, 3), np.uint8)
    for index, (step, angle, (x, y)) in enumerate(zip(steps, angles, centres, strict=True)):
        a, b = step * math.cos(angle), step * math.sin(angle)
        affine = (
            *(a, b, x - 0.5 * (a * width + b * height)),
            *(-b, a, y - 0.5 * (a * height - b * width)),
        )
        view = photograph.transform(size, Image.Transform.AFFINE, affine, Image.Resampling.BICUBIC)
        shot[index] = np.asarray(view)
    return shot


def _centres(
    picture: tuple[int, int],
    path: CameraPath,
    time: np.ndarray,
    steps: np.ndarray,
    size: tuple[int, int],
) -> np.ndarray:
    """Return the centres `(T, 2)` of the windows, x and y, with all windows inside the picture."""
    reach = 0.5 * (np.array(size) + math.sin(path.roll) * np.array(size[::-1])) * steps.max()
    tremor = path.shake * steps.max()
    room = np.maximum(np.array(picture) - 2.0 * (reach + tremor + MARGIN), 0.0)
    direction = np.array([math.cos(path.heading), math.sin(path.heading)])
    wanted = path.speed * (len(time) - 1) * float(steps.mean())
    length = min(wanted, *(room / np.maximum(np.abs(direction), 1e-9)))
    travel = direction * length
    start = reach + tremor + MARGIN + np.maximum(-travel, 0.0)
    start = start + np.array(path.place) * (room - np.abs(travel))
    eased = 0.5 * time + 0.5 * (3.0 * time**2 - 2.0 * time**3)
    phase = 2.0 * math.pi * path.tremor[0] * time
    shaking = tremor * np.stack([np.sin(phase), np.sin(1.3 * phase + 1.0)], axis=-1)
    return start + eased[:, None] * travel + shaking
