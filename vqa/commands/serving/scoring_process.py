"""The process that scores: it holds the model, takes one video at a time and says how far it is."""

import math
import os
import re
import signal
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from vqa.commands.engines.share import end_with
from vqa.commands.serving.frame_count import telling

# What a GPU that is lost, or a context that cannot be used again, raises.
DEVICE_LOST = re.compile(r"CUDA error|CUDNN_STATUS|device-side assert|NCCL error")
DEVICE_LOST_STATUS = 3


class _Unwanted(BaseException):
    """The video that is being scored was cancelled; no failure of the video, so no `Exception`."""


def work(
    connection: Connection,
    number: int,
    options: Mapping[str, Any],
    max_video_s: float,
    threads: int,
) -> None:
    """Load the model, then score each video that arrives, until the server closes the connection.

    Messages from the server are a video, or None if the last one is not wanted any more. Messages
    to the server are pairs: `ready` and what every reader of the scores must know; `wrong` and why
    the model cannot be loaded; `frames` and how many are done of how many; `scored` and row and
    pictures; `failed` and kind, reason and remedy; `cancelled`.
    """
    for one in (signal.SIGINT, signal.SIGTERM):  # the server handles them and ends this
        signal.signal(one, signal.SIG_IGN)
    end_with(os.getppid())
    try:
        if options["device"] != "cpu":
            use_own_gpu(number)
        scorer, facts = _loaded(options, threads)
    except Exception as error:  # noqa: BLE001 (the server reports it)
        connection.send(("wrong", " ".join(str(error).split()) or type(error).__name__))
        return
    connection.send(("ready", facts))

    def told(done: int, of: int) -> None:
        if connection.poll() and connection.recv() is None:
            raise _Unwanted
        connection.send(("frames", (done, of)))

    with suppress(EOFError, OSError):
        while True:
            given = connection.recv()
            if given is None:  # cancelled when it was done
                continue
            path, name, folder = given
            try:
                with telling(scorer.extractors, told):
                    message = _scored(scorer, Path(path), name, Path(folder), max_video_s)
            except _Unwanted:
                message = "cancelled", None
            connection.send(message)


def use_own_gpu(number: int) -> None:
    """Let a worker see one GPU, so that several workers share all of them in turn."""
    import torch

    count = torch.cuda.device_count()  # does not begin to use one
    if count > 1:
        seen = os.environ.get("CUDA_VISIBLE_DEVICES") or ",".join(map(str, range(count)))
        os.environ["CUDA_VISIBLE_DEVICES"] = seen.split(",")[number % count].strip()


def _loaded(options: Mapping[str, Any], threads: int) -> tuple[Any, dict[str, Any]]:
    """Return the scorer and its facts."""
    import torch

    from vqa.commands.memory import keep_freed_memory
    from vqa.commands.scoring.choice import opened
    from vqa.commands.scoring.command import facts_of
    from vqa.commands.scoring.scorer import Scorer
    from vqa.features.nss import NSS

    keep_freed_memory()
    torch.set_num_threads(threads)
    given = dict(options)
    model = given.pop("model")
    weights, backbone = given.pop("weights", None), given.pop("backbone_weights", None)
    run = opened(model, weights=weights, backbone_weights=backbone, cache=None)
    scorer = Scorer(run, explain=True, **given)
    scorer.use_decoders(1)
    for extractor in scorer.extractors:
        if isinstance(extractor, NSS) and extractor.device.type == "cpu":
            extractor.workers = threads
    _warm_up(scorer)
    return scorer, facts_of(scorer)


def _warm_up(scorer: Any) -> None:
    """Score a small video, so that the first real one takes no longer than the others."""
    import numpy as np

    from vqa.databases.synthesis.encoding import write_h264

    shown = np.random.default_rng(0).integers(0, 255, (60, 96, 128, 3), dtype=np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "video.mp4"
        write_h264(path, shown, 30, 30)
        _scored(scorer, path, path.name, path.parent, math.inf)


def _scored(
    scorer: Any, path: Path, name: str, folder: Path, max_video_s: float
) -> tuple[str, Any]:
    """Score one video; return the message about it."""
    from vqa.video import VideoError, probe

    def cleaned(text: str) -> str:
        return without_paths(text, path, name)

    try:
        info = probe(path)
        if info.duration_s > max_video_s:
            lasts = f"expected a video of at most {max_video_s:g} s, found {info.duration_s:.1f} s"
            return "failed", ("too_long", lasts, "send a part of it")
    except (OSError, ValueError, VideoError):
        pass  # the scorer says what is wrong, or scores the good frames
    score = scorer(path)
    if DEVICE_LOST.search(score.error):
        os._exit(DEVICE_LOST_STATUS)
    if score.error:
        remedy = "send a complete video file that a player can show"
        return "failed", ("no_score", cleaned(score.error), remedy)
    row = score.entry() | {"video": name}
    row["note"] = cleaned(row["note"])
    told = row["explanation"]
    told["remarks"] = [cleaned(remark) for remark in told["remarks"]]
    try:
        shown = _pictures(path, told, folder)
    except (OSError, ValueError, RuntimeError, MemoryError) as error:
        shown = []
        told["remarks"].append(cleaned(f"no pictures: {str(error) or type(error).__name__}"))
    return "scored", (row, shown)


def _pictures(path: Path, told: Mapping[str, Any], folder: Path) -> list[dict[str, Any]]:
    """Write the pictures of an explanation; return title and time of each."""
    from vqa.reports.scoring.pictures import pictures

    found = []
    for number, picture in enumerate(pictures(str(path), told)):
        (folder / f"{number}.jpg").write_bytes(picture.jpeg)
        found.append({"title": picture.title, "time_s": picture.time_s})
    return found


def without_paths(text: str, path: Path, name: str) -> str:
    """Return a text in which the video has its client's name, and that shows no path of ours."""
    for ours in (str(path), str(path.resolve())):
        text = text.replace(ours, name)
    for folder in (path.parent, path.resolve().parent):
        text = text.replace(f"{folder}/", "").replace(str(folder), "")
    return text.replace(path.name, name)
