"""The correlation of deep features and saliency: `python -m benchmarks.saliency_study VIDEO ...`.

Algorithms 1 to 3 of Wang, Katsenou and Bull (2023). The last frame of each second, at 224 x 224,
gives a deep vector (2048 means of ResNet-50's last maps) and a saliency map. The map is reduced to
45 x 45 = 2025 numbers. The mean cosine between them and the 24 windows of 2025 successive numbers
of the deep vector is the frame's correlation.

`forward=released` is the forward pass of the study's code, which skips ResNet-50's first
normalisation, ReLU and pooling; the paper describes the ordinary pass.
Chosen: both networks take the frame after Lanczos and JPEG (see `vqa.features.saliency`).
"""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import Tensor, nn

from vqa.features.convnet import RESNET_LAYERS
from vqa.features.saliency import Saliency, resized, through_jpeg
from vqa.files import write_atomically
from vqa.models.pretrained.imagenet import load_classifier
from vqa.models.pretrained.normalisation import normalise
from vqa.models.pretrained.weights import WeightsError
from vqa.reports.figures.histogram import histogram
from vqa.reports.figures.overlay import to_png
from vqa.reports.svg import to_svg
from vqa.video import VideoError, probe, read_frames

REDUCED_SIDE = 45
FORWARDS = {
    "ordinary": RESNET_LAYERS,
    "released": ("conv1", "layer1", "layer2", "layer3", "layer4"),
}

logger = logging.getLogger(__name__)


def shifted_cosine(saliency: np.ndarray, deep: np.ndarray) -> float:
    """Compute Algorithm 3: mean cosine of a saliency map and the windows of a deep vector.

    Args:
        saliency: (H, W), reduced to 45 x 45 by Pillow's bilinear filter and read row by row.
        deep: (D,), D at least 2025; windows are its runs of 2025 numbers.

    Returns:
        From -1 to 1; NaN if the map or a window is 0 everywhere and has no direction.

    Raises:
        ValueError: Arrays of other shapes.
    """
    wanted = REDUCED_SIDE**2
    if saliency.ndim != 2 or deep.ndim != 1 or len(deep) < wanted:
        raise ValueError(
            f"expected a saliency map (H, W) and a deep vector of at least {wanted} numbers, found "
            f"{saliency.shape} and {deep.shape}; use the pooled maps of a ResNet-50"
        )
    picture = Image.fromarray(np.ascontiguousarray(saliency, dtype=np.float32))
    reduced = picture.resize((REDUCED_SIDE, REDUCED_SIDE), Image.Resampling.BILINEAR)
    s = np.asarray(reduced, dtype=np.float64).ravel()
    windows = np.lib.stride_tricks.sliding_window_view(deep.astype(np.float64), wanted)
    with np.errstate(invalid="ignore"):
        cosines = windows @ s / (np.linalg.norm(windows, axis=1) * np.linalg.norm(s))
    return float(cosines.mean())


def deep_vectors(network: nn.Module, images: Tensor, forward: str = "ordinary") -> Tensor:
    """Compute Algorithm 1: channel means of a ResNet's last maps.

    Args:
        network: One of torchvision's ResNets.
        images: (n, 3, H, W), normalised.
        forward: `ordinary`, or `released` as in the study's code.

    Returns:
        (n, D); D = 2048 for ResNet-50.
    """
    for name in FORWARDS[forward]:
        images = getattr(network, name)(images)
    return images.mean((2, 3))


@torch.inference_mode()
def correlate(
    video: Path, saliency: Saliency, network: nn.Module, forward: str = "ordinary"
) -> pd.DataFrame:
    """Compute the study's correlation in one frame of each second of a video.

    Args:
        video: The file.
        saliency: The saliency extractor; the network runs on its device.
        network: See `deep_vectors`.
        forward: See `deep_vectors`.

    Returns:
        Columns `video, frame, time_s, cosine`, one row per frame.

    Raises:
        VideoError: The file cannot be read.
    """
    info = probe(video)
    indices = saliency.indices(info)
    rows = []
    for index, frame in zip(indices, read_frames(video, indices, info=info), strict=True):
        pictures = resized(frame[None])
        (map_,) = saliency.maps(pictures).cpu().numpy()
        images = normalise(through_jpeg(pictures), saliency.device)
        (deep,) = deep_vectors(network, images, forward).cpu().numpy()
        cosine = shifted_cosine(map_, deep)
        rows.append((video.as_posix(), int(index), float(info.times_s[index]), cosine))
    return pd.DataFrame(rows, columns=["video", "frame", "time_s", "cosine"])


def main(arguments: Sequence[str] | None = None) -> None:
    """Correlate the frames of videos; write `cosines.csv` and the histogram as PNG and SVG."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        saliency = Saliency(
            options.saliency_architecture,
            options.saliency_weights or options.weights,
            device=options.device,
        )
        network = load_classifier("resnet50", options.weights, head=False).to(saliency.device)
    except (ValueError, WeightsError) as error:
        raise SystemExit(f"error: {error}") from error
    tables = []
    for video in options.videos:
        try:
            tables.append(correlate(video, saliency, network, options.forward))
        except VideoError as error:
            logger.warning("skipped %s: %s", error.path, error.cause)
            continue
        cosines = ", ".join(f"{value:.3f}" for value in tables[-1]["cosine"])
        logger.info("%s: %s", video.name, cosines)
    if not tables:
        raise SystemExit("error: none of the videos could be read; the causes are above")
    table = pd.concat(tables)
    untrained = saliency.untrained or options.weights == "random"
    folder = options.output.expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / "cosines.csv", table.to_csv(index=False))
    known = table["cosine"].dropna().to_numpy()
    if not len(known):
        raise SystemExit(f"error: no frame has a saliency map; see {folder / 'cosines.csv'}")
    figure = histogram(
        known,
        "mean cosine of saliency and deep features",
        caption=f"{len(known)} of {len(table)} frames of {len(tables)} videos, ResNet-50 "
        f"({options.forward} forward),\nsaliency by {saliency.weights}",
        warning="RANDOM weights: no meaning for saliency" if untrained else "",
    )
    write_atomically(folder / "histogram.png", to_png(figure))
    write_atomically(folder / "histogram.svg", to_svg(figure))
    logger.info("median of %d frames: %.4f; written to %s", len(known), np.median(known), folder)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m benchmarks.saliency_study", description=main.__doc__, allow_abbrev=False
    )
    known = "imagenet (downloaded), a local file, or random"
    parser.add_argument("videos", nargs="+", type=Path, help="video files")
    parser.add_argument("--output", type=Path, default=Path("saliency-study"), help="a folder")
    parser.add_argument("--weights", default="imagenet", help=f"weights of ResNet-50: {known}")
    parser.add_argument("--saliency-weights", help="weights of the saliency; default: as --weights")
    parser.add_argument("--saliency-architecture", default="vgg16", help="a classifier's name")
    parser.add_argument("--forward", choices=tuple(FORWARDS), default="ordinary")
    parser.add_argument("--device", default="auto")
    return parser


if __name__ == "__main__":
    main()
