"""The built-in database `demo`: small real H.264 videos with pseudo-MOS, generated on first use.

There are 20 contents with 12 versions each: 240 files of 40 frames at 320 x 240 and 25 Hz (1.6 s).
Generating them takes about half a minute. A content is a photograph from the wheel of scikit-image,
scikit-learn or matplotlib, filmed by a simulated hand-held camera. Version 0 is pristine. Every
other version has one of eleven distortion mixes (`VideoRecord.group`): compression, defocus, motion
blur, noise, exposure, flicker and lost frames, single and combined, with severities drawn for each
content.

**No human rated these videos.** The labels are pseudo-MOS on a scale of 1 to 5: severities mapped
by a psychometric curve, content effects, and the rounding and noise of 24 simulated viewers
(`vqa.databases.synthesis.opinions`). Use them to run and test the framework; a score learned from
them says nothing about real video.

Three smaller variants serve cross-database experiments. They share no photograph and differ in a
known way: `demo_coding` has only compression, `demo_camera` has camera faults (MOS 0 to 100), and
`demo_timing` has lost frames and flicker.

Splits: none official; versions of a content share `VideoRecord.content`. Labels are byte-identical
on every machine; files are byte-identical for the same build of the encoder.
"""

import hashlib
import inspect
import json
import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np

from vqa.databases.records import Database, DatabaseError, VideoRecord, build_database
from vqa.databases.synthesis import opinions
from vqa.databases.synthesis.camera import draw_path, film
from vqa.databases.synthesis.distortions import crf, distort
from vqa.databases.synthesis.encoding import write_h264
from vqa.databases.synthesis.photographs import PHOTOGRAPHS, Photograph
from vqa.databases.synthesis.plan import VARIANTS, Variant, Version, plan_versions
from vqa.files import csv_text, user_path, write_atomically
from vqa.progress import progress_bar

RECIPE = 2  # increase when the pixels change; the folder's hash already covers the labels
FRAME_RATE_HZ = 25
SMALLEST_SIDE = 32


def read(
    root: str | Path,
    *,
    variant: str = "demo",
    contents: int | None = None,
    versions: int | None = None,
    frames: int = 40,
    size: Sequence[int] = (320, 240),
    seed: int = 0,
    workers: int = 2,
) -> Database:
    """Read the demo database; generate the files that do not exist yet.

    Each file appears only when it is complete, so an interrupted run resumes when you rerun it, and
    two processes at a time merely repeat each other's work. Each recipe and each set of arguments
    has its own subfolder of `root`.

    Args:
        root: Folder for all variants of the demo; created if absent.
        variant: One of `VARIANTS`; also the name of the database.
        contents: Number of photographs to use; None takes all of the variant.
        versions: Videos per content, including the pristine one; None takes the variant's number.
        frames: Frames per video.
        size: Width and height in pixels, both even.
        seed: Seed of camera paths, severities and opinions.
        workers: Threads that film and encode; the files do not depend on it.

    Raises:
        DatabaseError: An argument is out of range, or a photograph is missing.
    """
    return _read(root, variant, contents, versions, frames, size, seed, workers)


def read_existing(root: str | Path, **settings: Any) -> Database:
    """Read the demo database like `read`, but generate nothing.

    Args:
        root: As for `read`.
        **settings: As for `read`.

    Raises:
        DatabaseError: As for `read`, or a file is absent.
    """
    given = inspect.signature(read).bind(root, **settings)
    given.apply_defaults()
    return _read(**{**given.arguments, "workers": None})


def _read(
    root: str | Path,
    variant: str,
    contents: int | None,
    versions: int | None,
    frames: int,
    size: Sequence[int],
    seed: int,
    workers: int | None,
) -> Database:
    """Read the demo database; generate what is absent unless `workers` is None."""
    if variant not in VARIANTS:
        raise DatabaseError(f"demo: variant={variant!r}: expected one of {', '.join(VARIANTS)}")
    chosen = VARIANTS[variant]
    contents = len(chosen.photographs) if contents is None else contents
    versions = chosen.versions if versions is None else versions
    _check(chosen, contents, versions, frames, size, seed, workers)
    width, height = size
    plan = plan_versions(contents, versions, seed, chosen)
    table = _label_table(plan)
    spec = {"recipe": RECIPE, "frames": frames, "size": [width, height], "seed": seed}
    digest = hashlib.sha256((json.dumps(spec) + table).encode()).hexdigest()[:12]
    folder = user_path(root) / digest
    labels = folder / "labels.csv"
    if workers is not None:
        _make_files(folder, plan, frames, (width, height), seed, workers)
        if not labels.is_file():
            write_atomically(labels, table)
    videos = [
        VideoRecord(
            id=version.id,
            path=folder / version.id,
            mos=version.mos,
            mos_std=version.mos_std,
            ratings=opinions.RATERS,
            content=version.content,
            width=width,
            height=height,
            frame_rate_hz=float(FRAME_RATE_HZ),
            frames=frames,
            group=version.group,
        )
        for version in plan
    ]
    hint = f"a run only reads it; data={variant} on the command line generates it"
    return build_database(variant, videos, chosen.mos_range, hint=hint)


def _label_table(plan: Sequence[Version]) -> str:
    rows = []
    for version in plan:
        planted = " ".join(f"{name}={value}" for name, value in version.severities.items())
        rows.append(
            [version.id, version.mos, version.mos_std, version.content, version.group, planted]
        )
    return csv_text(["video", "mos", "mos_std", "content", "group", "severities"], rows)


def _make_files(
    folder: Path,
    plan: Sequence[Version],
    frames: int,
    size: tuple[int, int],
    seed: int,
    workers: int,
) -> None:
    """Film and encode the missing files, content by content."""
    absent = [version for version in plan if not (folder / version.id).is_file()]
    if not absent:
        return
    photographs = {photograph.name: photograph for photograph in PHOTOGRAPHS}
    wanted: dict[str, list[Version]] = {}
    for version in absent:
        wanted.setdefault(version.content, []).append(version)
    bar = progress_bar(len(absent), "demo: generating videos", "video")
    with bar, ThreadPoolExecutor(workers) as pool:
        jobs = [
            pool.submit(_make_content, folder, photographs[name], group, frames, size, seed)
            for name, group in wanted.items()
        ]
        try:
            for job in as_completed(jobs):
                bar.update(job.result())
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _make_content(
    folder: Path,
    photograph: Photograph,
    versions: Sequence[Version],
    frames: int,
    size: tuple[int, int],
    seed: int,
) -> int:
    """Write versions of one content and return their number."""
    path = draw_path(random.Random(f"{seed}/{photograph.name}/camera"))
    shot = film(photograph.open(), path, frames, size)
    for version in versions:
        key = hashlib.sha256(f"{seed}/{version.id}".encode()).digest()
        rng = np.random.default_rng(int.from_bytes(key[:8], "big"))
        video = distort(shot, version.severities, rng)
        rate_factor = crf(version.severities.get("compression", 0.0))
        write_h264(folder / version.id, video, FRAME_RATE_HZ, rate_factor)
    return len(versions)


def _check(
    variant: Variant,
    contents: int,
    versions: int,
    frames: int,
    size: Sequence[int],
    seed: int,
    workers: int | None,
) -> None:
    faults = []
    if not 1 <= contents <= len(variant.photographs):
        faults.append(f"contents={contents}: expected 1 to {len(variant.photographs)} photographs")
    if versions < 2:
        faults.append(f"versions={versions}: expected at least 2, the pristine one and another")
    if frames < 2:
        faults.append(f"frames={frames}: expected at least 2")
    if len(size) != 2 or any(side % 2 or side < SMALLEST_SIDE for side in size):
        faults.append(
            f"size={tuple(size)}: expected an even width and height of at least {SMALLEST_SIDE}"
        )
    if workers is not None and workers < 1:
        faults.append(f"workers={workers}: expected at least 1")
    if faults:
        raise DatabaseError("demo: " + "; ".join(faults))
