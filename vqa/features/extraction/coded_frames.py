"""Frames that travel to a GPU as stored planes of 4:2:0 and become RGB there.

Planes are half the bytes of RGB, and the decoder's process need not convert them. The conversion
computes with the same integers as FFmpeg, so not a bit of the RGB differs; see `vqa.video.colours`.
"""

from functools import lru_cache
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from vqa.features.extractor import Extractor
from vqa.models.pretrained.devices import turn, uploaded
from vqa.video import VideoError, VideoInfo
from vqa.video.colours import COLOURS, factors
from vqa.video.pixels import can_be_coded, coded_specimen


def pixels_for(extractor: Extractor, info: VideoInfo, reader: str) -> str:
    """Return the pixels to decode a video to: what the extractor takes, or `coded` in its place.

    Args:
        extractor: What describes the video.
        info: The video.
        reader: What reads it, from `vqa.video.choose_reader`.
    """
    if not takes_coded(extractor) or reader == "decord" or not can_be_coded(info):
        return extractor.pixels
    return "coded" if is_exact(info.width, extractor.device) else extractor.pixels


def takes_coded(extractor: Extractor) -> bool:
    """Return whether an extractor's frames may become RGB on its device, and that pays."""
    return extractor.on_device and extractor.device.type == "cuda"


def is_coded(extractor: Extractor, chunk: np.ndarray) -> bool:
    """Return whether a chunk is `coded` in place of the RGB that an extractor takes."""
    return extractor.pixels == "rgb24" and chunk.ndim == 2


@lru_cache(maxsize=256)
def is_exact(width: int, device: torch.device) -> bool:
    """Return whether a device computes the RGB of this FFmpeg for frames of a width."""
    try:
        pairs = [coded_specimen(colour, width) for colour in range(len(COLOURS))]
    except VideoError:
        return False
    return all(
        np.array_equal(rgb_on(device, coded[None], *rgb.shape[:2])[0].cpu().numpy(), rgb)
        for coded, rgb in pairs
    )


def rgb_on(device: torch.device, coded: np.ndarray, height: int, width: int) -> Tensor:
    """Convert frames to RGB on a device.

    Args:
        device: Where to.
        coded: uint8 (n, P + 1), see `vqa.video.pixels`.
        height: Height of the video in pixels, even.
        width: Width of the video in pixels.

    Returns:
        uint8 (n, H, W, 3) on the device.
    """
    colours = coded[:, -1]
    there = uploaded(coded, device)
    rgb = torch.empty((len(coded), height, width, 3), dtype=torch.uint8, device=device)
    changes = np.flatnonzero(colours[1:] != colours[:-1]) + 1
    with turn(device):
        for start, end in pairwise([0, *changes.tolist(), len(coded)]):
            _convert(there[start:end], int(colours[start]), rgb[start:end])
    return rgb


def _convert(coded: Tensor, colour: int, rgb: Tensor) -> None:
    """Convert frames of one colour, (n, P + 1), into `rgb` (n, H, W, 3)."""
    count, height, width, _ = rgb.shape
    rows, columns = height // 2, -(-width // 2)
    sizes = (height * width, rows * columns, rows * columns, 1)
    y, u, v, _ = (plane.int() for plane in coded.split(sizes, 1))
    by = factors(colour)
    y = ((8 * y - by.black) * by.luma >> 16).view(count, height, width)
    u, v = 8 * u - 1024, 8 * v - 1024
    red, blue = v * by.red >> 16, u * by.blue >> 16
    green = (u * by.green_u >> 16) + (v * by.green_v >> 16)
    for place, part in enumerate((red, green, blue)):
        blocks = part.view(count, rows, 1, columns, 1).expand(-1, -1, 2, -1, 2)
        part = blocks.reshape(count, height, 2 * columns)[..., :width]
        rgb[..., place] = (y + part).clamp_(0, 255)
