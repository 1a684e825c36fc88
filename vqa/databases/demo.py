"""The embedded database `demo`: small real H.264 videos with pseudo-MOS, made on first use.

Twenty contents, twelve versions each, 240 files of 40 frames at 320 x 240 and 25 Hz (1.6 s), about
half a minute of work once. A content is a photograph from the wheel of scikit-image, scikit-learn
or matplotlib, filmed by a simulated hand-held camera. Version 0 is pristine; each other version has
one distortion mix (`VideoRecord.group`) out of eleven: compression, defocus, motion blur, noise,
exposure, flicker and lost frames, alone and combined, with severities drawn per content.

**The labels stand for no human.** They are pseudo-MOS on a scale of 1 to 5: planted severities
through a psychometric curve, content effects, and the rounding and noise of 24 simulated viewers
(`vqa.databases.synthesis.opinions`). They serve to run and to test the framework; a score learned
from them says nothing about real video.

Three smaller variants share no photograph and differ in a known way, for cross-database work:
`demo_coding` holds nothing but compression, `demo_camera` the faults of a camera (MOS from 0 to
100), `demo_timing` lost frames and flicker.

Splits: none official; versions of a content share `VideoRecord.content`. Labels are byte-identical
on every machine, and so are the files of one build of the encoder.
"""

import csv
import hashlib
import io
import json
import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import numpy as np

from vqa.databases.records import Database, DatabaseError, VideoRecord, build_database
from vqa.databases.synthesis import opinions
from vqa.databases.synthesis.camera import draw_path, film
from vqa.databases.synthesis.distortions import crf, distort
from vqa.databases.synthesis.encoding import write_h264
from vqa.databases.synthesis.photographs import PHOTOGRAPHS, Photograph
from vqa.databases.synthesis.plan import VARIANTS, Variant, Version, plan_versions
from vqa.files import replacing
from vqa.progress import progress_bar

RECIPE = 2  # raise with any change of the pixels; changes of the labels are seen without
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
    """The demo database, made below `root` where it is not there yet.

    Files are written whole or not at all, so a killed run is taken up where it stopped, and two
    processes at once only do each other's work again. Another recipe or other arguments get a
    folder of their own.

    Args:
        root: Folder for all variants of the demo; made if absent.
        variant: One of `VARIANTS`; also the database's name.
        contents: How many of the variant's photographs; None takes all.
        versions: Videos per content, the pristine one included; None takes the variant's number.
        frames: Frames per video.
        size: Width and height, even.
        seed: Draws camera paths, severities and opinions.
        workers: Threads that film and encode; the files do not depend on it.

    Raises:
        DatabaseError: Arguments out of range, or a photograph is missing.
    """
    if variant not in VARIANTS:
        raise DatabaseError(f"demo: variant={variant!r} is none of {', '.join(VARIANTS)}")
    chosen = VARIANTS[variant]
    contents = len(chosen.photographs) if contents is None else contents
    versions = chosen.versions if versions is None else versions
    _check(chosen, contents, versions, frames, size, seed, workers)
    width, height = size
    plan = plan_versions(contents, versions, seed, chosen)
    table = _label_table(plan)
    spec = {"recipe": RECIPE, "frames": frames, "size": [width, height], "seed": seed}
    digest = hashlib.sha256((json.dumps(spec) + table).encode()).hexdigest()[:12]
    folder = Path(root).expanduser() / digest
    _make_files(folder, plan, frames, (width, height), seed, workers)
    labels = folder / "labels.csv"
    if not labels.is_file():
        with replacing(labels) as temporary:
            temporary.write_text(table, encoding="utf-8", newline="")
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
    return build_database(variant, videos, chosen.mos_range)


def _label_table(plan: Sequence[Version]) -> str:
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(["video", "mos", "mos_std", "content", "group", "severities"])
    for version in plan:
        planted = " ".join(f"{name}={value}" for name, value in version.severities.items())
        row = [version.id, version.mos, version.mos_std, version.content, version.group, planted]
        rows.writerow(row)
    return out.getvalue()


def _make_files(
    folder: Path,
    plan: Sequence[Version],
    frames: int,
    size: tuple[int, int],
    seed: int,
    workers: int,
) -> None:
    """Film and encode what is not there yet, content by content."""
    absent = [version for version in plan if not (folder / version.id).is_file()]
    if not absent:
        return
    photographs = {photograph.name: photograph for photograph in PHOTOGRAPHS}
    wanted: dict[str, list[Version]] = {}
    for version in absent:
        wanted.setdefault(version.content, []).append(version)
    bar = progress_bar(len(absent), "demo: making videos", "video")
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
    """Write the versions of one content; returns how many."""
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
    workers: int,
) -> None:
    faults = []
    if not 1 <= contents <= len(variant.photographs):
        faults.append(
            f"contents={contents}: 1 to {len(variant.photographs)} photographs are at hand"
        )
    if versions < 2:
        faults.append(f"versions={versions}: the pristine one and at least one more are needed")
    if frames < 2:
        faults.append(f"frames={frames}: a video needs two at least")
    if len(size) != 2 or any(side % 2 or side < SMALLEST_SIDE for side in size):
        faults.append(f"size={tuple(size)}: width and height, even, {SMALLEST_SIDE} or more")
    if workers < 1:
        faults.append(f"workers={workers}: at least 1")
    if faults:
        raise DatabaseError("demo: " + "; ".join(faults))
