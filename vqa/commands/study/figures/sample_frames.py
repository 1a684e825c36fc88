"""Frames of the databases of a study (GSTVQA, Fig. 4)."""

import pandas as pd

from vqa.commands.study.figures.choosing import frames_of, spread, title_of
from vqa.commands.study.material import Material, Picture
from vqa.reports.figures.sample_frames import frame_rows


def frames(material: Material, count: int = 5) -> list[Picture]:
    """Show the middle frames of videos of each database, spread over its MOS.

    Args:
        material: Of the study.
        count: Frames of each database.

    Raises:
        ValueError: No database is present, or no video of any can be read.
    """
    shown, rows, notes = {}, [], []
    for name in material.databases:
        experiment = material.compose(f"data={name}")
        found, left_out = spread(
            experiment.database.videos,
            count,
            lambda video, experiment=experiment: frames_of(experiment, video),  # type: ignore[misc]
        )
        notes += [f"{title_of(name)}: {note}" for note in left_out]
        cells = []
        for video, (info, (frame,)) in found:
            cells.append((frame, f"{info.width} × {info.height}, MOS {video.mos:.3g}"))
            facts = (title_of(name), video.id, info.width, info.height, video.mos)
            rows.append((*facts, info.frames // 2))
        if cells:
            shown[title_of(name)] = cells
    if not shown:
        raise ValueError(
            f"no frame to show: {notes[0]}" if notes else
            "no database of this study is present: set paths.data=, or data.root= of one"
        )  # fmt: skip
    caption = (
        "Sample frames with the resolution and the MOS of their videos, from the lowest MOS of "
        "each database to the highest: the middle frame of the videos nearest to evenly spaced MOS."
    )
    columns = ["database", "video", "width", "height", "mos", "frame"]
    table = pd.DataFrame(rows, columns=columns)
    return [Picture("frames", caption, frame_rows(shown), rows=table, notes=notes)]
