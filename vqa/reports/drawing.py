"""Pictures of how an extractor describes one frame of a video."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Protocol

import numpy as np

from vqa.databases.records import VideoRecord
from vqa.files import user_path, write_atomically
from vqa.reports.figures.overlay import Map, overlay_figure, to_png
from vqa.reports.svg import to_svg
from vqa.video import VideoError, VideoInfo, probe, read_frames
from vqa.video.sampling import MILLISECOND_TOLERANCE_S

FORMATS = {".png": to_png, ".svg": to_svg}
FEW = 10  # up to this many maps, all are shown
MOST = 6  # otherwise this many, unless maps are selected


class Drawable(Protocol):
    """The members of an extractor that a drawing needs.

    Attributes:
        name: Name of the features.
        weights: The weights in words.
        untrained: Whether the weights are random.
        draws: Whether `draw` is implemented.
    """

    name: str
    weights: str
    untrained: bool
    draws: bool

    def draw(self, frame: np.ndarray) -> Sequence[Map]:
        """Return titles and maps, float (H, W) with NaN where unknown, of uint8 (H, W, 3)."""
        ...


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture that was written.

    Attributes:
        path: The file.
        title: Which frame of which video it shows.
        caption: Which maps it shows, and of how many.
        note: A warning that must accompany it; empty if there is none.
    """

    path: Path
    title: str
    caption: str
    note: str


def draw_video(
    extractor: Drawable,
    video: VideoRecord,
    output: str | Path,
    *,
    frame: int | str | None = None,
    wanted: str | Sequence[str] | None = None,
    reader: str = "auto",
) -> Drawing:
    """Draw how an extractor describes one frame of a video.

    Args:
        extractor: What draws.
        video: The video.
        output: A .png or .svg file.
        frame: See `frame_index`.
        wanted: See `choose`.
        reader: Decoder, `data.reader`.

    Raises:
        ValueError: The extractor does not draw, the output is not the name of a picture, the video
            cannot be read, or has no such frame or map.
    """
    path = user_path(output)
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise ValueError(f"output={output}: expected a file that ends in {' or '.join(FORMATS)}")
    if not extractor.draws:
        raise ValueError(f"the features {extractor.name} have no maps to draw")
    info, index, picture = _read(video, frame, reader)
    maps = extractor.draw(picture)
    chosen = choose(maps, wanted)
    title = f"{video.path.name}, frame {index} at {info.times_s[index]:.2f} s"
    which = "as selected" if wanted else "the highest by mean"
    partial = len(chosen) < len(maps)
    caption = f"{len(chosen)} of {len(maps)} maps, {which}" if partial else "all maps"
    note = ""
    if extractor.untrained:
        note = (
            f"{extractor.name} has RANDOM weights (features.{extractor.name}.weights=random): its "
            "maps say nothing about quality."
        )
    figure = overlay_figure(
        picture,
        chosen,
        title=title,
        caption=f"{caption}. {extractor.name}, {extractor.weights}",
        warning=note,
    )
    return Drawing(write_atomically(path, FORMATS[suffix](figure)), title, caption, note)


def frame_index(frame: int | str | None, info: VideoInfo) -> int:
    """Return the index of the requested frame.

    Args:
        frame: An index from 0, seconds such as `2.5s` for the frame shown at that time, or None for
            the middle frame.
        info: The video.

    Raises:
        ValueError: None of these forms, or beyond the end of the video.
    """
    if frame is None:
        return info.frames // 2
    given = re.fullmatch(r"(\d+)|(\d+\.?\d*|\.\d+)s", str(frame).strip())
    if given is None:
        raise ValueError(
            f"frame={frame}: expected an index such as 120, or seconds such as 2.5s; "
            "leave it out for the middle frame"
        )
    if given[1] is not None:
        index, beyond = int(given[1]), int(given[1]) >= info.frames
    else:
        time_s = float(given[2])
        # Typed times are rounded; a time just before a frame's start means that frame.
        later = np.searchsorted(info.times_s, time_s + MILLISECOND_TOLERANCE_S, side="right")
        index, beyond = max(int(later) - 1, 0), time_s >= info.duration_s
    if beyond:
        raise ValueError(
            f"frame={frame} is beyond the end of {info.path.name}; it has frames 0 to "
            f"{info.frames - 1}, and lasts {info.duration_s:.2f} s"
        )
    return index


def choose(maps: Sequence[Map], wanted: str | Sequence[str] | None = None) -> list[Map]:
    """Return the maps to show.

    Args:
        maps: All maps, each with its title.
        wanted: Words in titles. A word selects the titles that contain it as a whole word; if there
            are none, those that contain it at all. Without words, all maps are shown; if there are
            more than `FEW`, the `MOST` maps with the highest mean, highest first.

    Raises:
        ValueError: No title contains a word.

    Examples:
        >>> import numpy as np
        >>> from vqa.reports.drawing import choose
        >>> maps = [(f"conv{layer} mean", np.zeros((2, 2))) for layer in range(1, 12)]
        >>> [title for title, _ in choose(maps, "conv1")]  # conv1 as a word, not conv10 and conv11
        ['conv1 mean']
    """
    if not wanted and len(maps) <= FEW:
        return list(maps)
    if not wanted:
        return sorted(maps, key=lambda item: -np.nanmean(item[1]))[:MOST]
    chosen: dict[str, np.ndarray] = {}
    for part in [wanted] if isinstance(wanted, str) else wanted:
        whole = re.compile(rf"(?<!\w){re.escape(str(part))}(?!\w)", re.IGNORECASE)
        found = [item for item in maps if whole.search(item[0])] or [
            item for item in maps if str(part).casefold() in item[0].casefold()
        ]
        if not found:
            raise ValueError(f"no map is called {part!r}; {_near(str(part), maps)}")
        chosen |= dict(found)
    return list(chosen.items())


def _near(part: str, maps: Sequence[Map]) -> str:
    """Name titles with a word similar to this one, or some titles if there is none."""
    titles = [title for title, _ in maps]
    words = {word for title in titles for word in title.split()}
    close = get_close_matches(part, words, n=2)
    near = [title for title in titles if set(close) & set(title.split())]
    some = ", ".join((near or titles)[:MOST])
    return f"similar ones are: {some}" if near else f"some of the {len(titles)} are: {some}"


def _read(
    video: VideoRecord, frame: int | str | None, reader: str
) -> tuple[VideoInfo, int, np.ndarray]:
    """Return the video's facts, the index of the requested frame, and its picture (H, W, 3)."""
    raw = video.raw_format
    try:
        info = probe(video.path, raw=raw)
        index = frame_index(frame, info)
        (picture,) = read_frames(video.path, [index], reader=reader, raw=raw, info=info)
    except VideoError as error:
        raise ValueError(
            f"{error.path}: {error.cause}; draw= takes a video that can be decoded"
        ) from error
    return info, index, picture
