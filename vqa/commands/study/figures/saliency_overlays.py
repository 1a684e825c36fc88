"""Saliency study, Fig. 1: Score-CAM maps over the sampled frames of one video."""

from collections.abc import Sequence

import pandas as pd

from vqa.commands.study.figures.example_video import example
from vqa.commands.study.material import Material, Picture
from vqa.features.saliency import resized
from vqa.features.score_cam import enlarged
from vqa.reports.figures.picture_grid import Tile, overlay, picture_grid, reduced
from vqa.runs.used_features import MARK, RANDOM

LINES = 270  # of the printed pictures, at most


def overlays(
    material: Material,
    database: str,
    video: str,
    frames: int = 16,
    columns: int = 4,
    overrides: Sequence[str] = (),
) -> list[Picture]:
    """Draw the last frame of each second and, below it, its saliency map.

    Args:
        material: The study's material.
        database: The database of the video.
        video: Its id; see `example`.
        frames: Largest number of frames, from the first one on.
        columns: Frames side by side.
        overrides: Further overrides of `train`, for the extractor.

    Raises:
        ValueError: As `example`.
    """
    shown = example(material, database, video, "features=saliency", *overrides)
    extractor = shown.experiment.extractor
    indices = shown.each_second()[:frames]
    tiles: list[list[Tile]] = []
    rows = []
    for number, (index, frame) in enumerate(
        zip(indices, shown.frames(indices), strict=True), start=1
    ):
        if (number - 1) % columns == 0:
            tiles += [[], []]
        maps = extractor.maps(resized(frame[None]))
        picture = reduced(frame, LINES)
        large = enlarged(maps, picture.shape[:2])[0].cpu().numpy()
        tiles[-2].append(Tile(f"Sampled frame {number}", picture))
        tiles[-1].append(overlay("", picture, large))
        time_s = float(shown.info.times_s[index])
        rows.append((shown.name, number, int(index), time_s, float(maps.mean())))
    figure = picture_grid(
        tiles,
        columns=columns,
        ends=("least", "most salient"),
        warning=MARK if extractor.untrained else "",
    )
    caption = (
        f"{len(indices)} sampled frames of {shown.name}, the last of each second, and their "
        f"Score-CAM maps below them ({extractor.weights}). The colours run from each map's lowest "
        "value to its highest."
    )
    names = ["video", "sampled_frame", "frame", "time_s", "mean_saliency"]
    notes = list(shown.notes)
    if extractor.untrained:
        notes.append(f"Score-CAM has {RANDOM}: its maps say nothing about what is salient.")
    table = pd.DataFrame(rows, columns=names)
    return [Picture("fig1", caption, figure, rows=table, notes=notes)]
