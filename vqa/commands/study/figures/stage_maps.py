"""Saliency study, Figs. 5 and 6: the feature maps of the networks behind its features."""

from collections.abc import Sequence
from typing import cast

import numpy as np
import pandas as pd
import torch

from vqa.commands.study.figures.example_video import Example, example, sources_by_name
from vqa.commands.study.material import Material, Picture
from vqa.features.pooled import PooledFeatures
from vqa.features.saliency import Saliency, resized
from vqa.features.stage_pictures import most_active
from vqa.models.pretrained.classifier import Classifier
from vqa.reports.figures.mosaic import mosaic, ranges_over_time
from vqa.reports.figures.picture_grid import Tile, overlay, picture_grid
from vqa.runs.used_features import MARK, RANDOM
from vqa.video.sampling import uniform_indices

# The networks of the study: ResNet-50 of the features `cnn`, VGG-16 of `saliency`.
FEATURES = ("cnn", "saliency")
TITLES = {"resnet50": "ResNet-50", "vgg16": "VGG-16"}


def strongest(
    material: Material,
    database: str,
    video: str,
    sampled_frame: int = 7,
    overrides: Sequence[str] = (),
) -> list[Picture]:
    """Draw, for each stage of both networks, the channel with the highest mean activation.

    Args:
        material: The study's material.
        database: The database of the video.
        video: Its id; see `example`.
        sampled_frame: Which of the frames, the last of each second, counted from 1; the last one
            if the video is shorter.
        overrides: Further overrides of `train`, for the extractors.

    Raises:
        ValueError: As `example`.
    """
    shown, networks, saliency = _networks(material, database, video, overrides)
    number, picture, notes = _sampled(shown, sampled_frame)
    (map_,) = saliency.maps(picture[None]).cpu().numpy()
    first = [Tile(f"sampled frame {number}", picture), overlay("Score-CAM", picture, map_)]
    tiles, rows = [], []
    for left, (name, network) in zip(first, networks.items(), strict=True):
        tiles.append([left])
        for stage, maps in network.stages(network.images(picture[None])).items():
            channel, count = most_active(maps), maps.shape[1]
            values = maps[0, channel].float().cpu().numpy()
            tiles[-1].append(Tile(f"{stage}\nchannel {channel + 1} of {count}", values, 1.0))
            facts = (values.shape[0], values.min(), values.mean(), values.max())
            rows.append((name, stage, channel + 1, count, *map(float, facts)))
    untrained = _untrained(networks)
    figure = picture_grid(tiles, names=list(networks), warning=MARK if untrained else "")
    weights = "; ".join(network.weights for network in networks.values())
    caption = (
        f"Sampled frame {number} of {shown.name} at 224 x 224, its Score-CAM map by "
        f"{saliency.weights}, and for the last maps of each resolution the channel with the "
        f"highest mean activation ({weights}). The colours run from each map's lowest value to its "
        "highest."
    )
    names = ["network", "stage", "channel", "channels", "side", "lowest", "mean", "highest"]
    table = pd.DataFrame(rows, columns=names)
    return [Picture("fig5", caption, figure, rows=table, notes=[*notes, *untrained])]


def animations(
    material: Material,
    database: str,
    video: str,
    sampled_frame: int = 7,
    stage: int = 2,
    channels: int = 64,
    frames: int = 24,
    overrides: Sequence[str] = (),
) -> list[Picture]:
    """Animate the first channels of both networks: of one stage over time, of one frame by stage.

    Args:
        material: The study's material.
        database: The database of the video.
        video: Its id; see `example`.
        sampled_frame: The frame of the animation by stage; see `strongest`.
        stage: The stage of the animation over time, counted from 1.
        channels: Channels that are shown, at most; 64 fill the mosaic.
        frames: Frames of the animation over time, evenly spread over the video.
        overrides: Further overrides of `train`, for the extractors.

    Raises:
        ValueError: As `example`, or a network has no such stage.
    """
    shown, networks, _ = _networks(material, database, video, overrides)
    number, picture, notes = _sampled(shown, sampled_frame)
    indices = np.unique(uniform_indices(shown.info.frames, frames))
    times_s = shown.info.times_s[indices]
    pictures = resized(shown.frames(indices))
    made = []
    for name, network in networks.items():
        notes_of = [*notes, *_untrained({name: network})]
        warning = MARK if network.untrained else ""
        every = [_first_channels(network, one, channels) for one in pictures]
        layers = list(every[0])
        if not 1 <= stage <= len(layers):
            raise ValueError(f"stage={stage}: expected 1 to {len(layers)} for {name}")
        layer = layers[stage - 1]
        over_time = [maps[layer] for maps in every]
        ranges = ranges_over_time(over_time)
        moving = [
            mosaic(
                maps, ranges, one, title=f"{name}, {layer}, channels 1 to {len(maps)}",
                subtitle=f"{maps.shape[1]} x {maps.shape[2]} each, {time_s:.2f} s of {shown.name}",
                warning=warning,
            )
            for maps, one, time_s in zip(over_time, pictures, times_s, strict=True)
        ]  # fmt: skip
        file = f"fig6_{name.lower().replace('-', '')}"
        caption = (
            f"The first {channels} channels of {name}'s {layer} over {len(moving)} frames of "
            f"{shown.name} ({network.weights}). Each channel has one scale over all frames."
        )
        made.append(Picture(f"{file}_time", caption, frames=moving, notes=notes_of))
        still = [
            mosaic(
                maps, ranges_over_time([maps]), picture,
                title=f"{name}, {layer}, channels 1 to {len(maps)}",
                subtitle=f"{maps.shape[1]} x {maps.shape[2]} each, sampled frame {number}",
                warning=warning,
            )
            for layer, maps in _first_channels(network, picture, channels).items()
        ]  # fmt: skip
        caption = (
            f"The first {channels} channels of each stage of {name} for sampled frame {number} of "
            f"{shown.name} ({network.weights}). Each map has its own scale."
        )
        by_stage = Picture(f"{file}_stages", caption, frames=still, frame_rate_hz=1, notes=notes_of)
        made.append(by_stage)
    return made


def _networks(
    material: Material, database: str, video: str, overrides: Sequence[str]
) -> tuple[Example, dict[str, Classifier], Saliency]:
    """Return the video, both networks by their titles, and the saliency extractor."""
    features = f"features=[{','.join(FEATURES)}]"
    shown = example(material, database, video, features, *overrides)
    settings = shown.experiment.config["features"]
    sources = sources_by_name(shown.experiment)
    cnn = cast("PooledFeatures", sources["cnn"].extractor)
    saliency = cast("Saliency", sources["saliency"].extractor)
    names = [settings[feature]["architecture"] for feature in FEATURES]
    titles = [TITLES.get(name, name.removeprefix("timm:")) for name in names]
    if titles[0] == titles[1]:
        titles = [f"{title} ({feature})" for title, feature in zip(titles, FEATURES, strict=True)]
    return shown, dict(zip(titles, (cnn.classifier, saliency.classifier), strict=True)), saliency


def _sampled(shown: Example, number: int) -> tuple[int, np.ndarray, list[str]]:
    """Return the number of a sampled frame, its picture uint8 (224, 224, 3), and notes."""
    indices = shown.each_second()
    taken = min(max(number, 1), len(indices))
    notes = list(shown.notes)
    if taken != number:
        notes.append(f"The video has {len(indices)} sampled frames; number {taken} is shown.")
    return taken, resized(shown.frames(indices[taken - 1 : taken]))[0], notes


@torch.inference_mode()
def _first_channels(network: Classifier, picture: np.ndarray, count: int) -> dict[str, np.ndarray]:
    """Return the first maps (K, h, w) of each stage for a picture uint8 (224, 224, 3)."""
    stages = network.stages(network.images(picture[None]))
    return {name: maps[0, :count].float().cpu().numpy() for name, maps in stages.items()}


def _untrained(networks: dict[str, Classifier]) -> list[str]:
    """Return a note for each network with random weights."""
    return [
        f"{name} has {RANDOM}: its maps say nothing about the picture."
        for name, network in networks.items()
        if network.untrained
    ]
