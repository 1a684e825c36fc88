"""Write what a study found: numbers, tables, pictures and the page."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vqa.commands.study.material import Picture
from vqa.files import write_atomically, write_json
from vqa.reports.page import placed
from vqa.reports.study import as_csv, as_latex, as_markdown, as_text, write_study_page
from vqa.reports.svg import to_pdf

TABLES = {
    "table.txt": as_text,
    "table.md": as_markdown,
    "table.tex": as_latex,
    "table.csv": as_csv,
}


def write_study(folder: Path, study: Mapping[str, Any], pictures: Sequence[Picture] = ()) -> Path:
    """Write study.json, the tables, the pictures and study.html.

    Args:
        folder: Folder of the study.
        study: Content of study.json, see `vqa.commands.study.values.document`.
        pictures: Pictures of a figure.

    Returns:
        The page.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    if study["cells"]:
        for name, form in TABLES.items():
            write_atomically(folder / name, form(study))
            files.append(name)
    written = [_write_picture(folder, picture) for picture in pictures]
    write_json(folder / "study.json", {**study, "pictures": written, "files": files})
    return write_study_page(folder)


def _write_picture(folder: Path, picture: Picture) -> dict[str, Any]:
    files = []
    if picture.figure is not None:
        placed(folder, picture.figure, picture.name, picture.caption)
        files.append(f"figures/{picture.name}.svg")
        files.append(f"figures/{picture.name}.pdf")
        write_atomically(folder / files[-1], to_pdf(picture.figure))
    if picture.frames is not None:
        files.append(f"figures/{picture.name}.gif")
        write_atomically(folder / files[-1], _animation(picture))
    if picture.rows is not None:
        files.append(f"figures/{picture.name}.csv")
        write_atomically(folder / files[-1], picture.rows.to_csv(index=False))
    return {"name": picture.name, "caption": picture.caption, "files": files}


def _animation(picture: Picture) -> bytes:
    """Return frames as an animated GIF that repeats."""
    from PIL import Image

    first, *others = [Image.fromarray(frame) for frame in picture.frames or ()]
    file = io.BytesIO()
    first.save(
        file, format="GIF", save_all=True, append_images=others, loop=0,
        duration=round(1000 / picture.frame_rate_hz),
    )  # fmt: skip
    return file.getvalue()
