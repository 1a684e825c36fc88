"""One trial: a changed file is read as extraction reads it, and compared with the intact one."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from tests.fuzz.intact import INTACT, write_intact
from tests.fuzz.mutations import MUTATIONS
from vqa.video import VideoError
from vqa.video.damage.messages import hearing
from vqa.video.decoder import FrameDecoder

TIME_LIMIT_S = 30.0
# In this order, the columns of the table.
OUTCOMES = ("identical", "noted", "silent", "refused", "crash", "hang", "wrong")


@dataclass(frozen=True)
class Trial:
    """What became of one changed file.

    Attributes:
        clip: Name of the intact clip.
        mutation: Kind of the change.
        seed: Seed of the change.
        outcome: `identical`: all frames as in the intact clip; `noted`: frames are left out, and a
            note says so; `silent`: other frames, but FFmpeg logs no error; `refused`; `crash` or
            `hang` of the decoding process, which become the error of that video; `wrong`: other
            frames although FFmpeg logs an error.
        detail: The error, or how the frames differ.
    """

    clip: str
    mutation: str
    seed: int
    outcome: str
    detail: str = ""


def trials(folder: Path, rounds: int) -> Iterator[Trial]:
    """Try each clip with each kind of change.

    Args:
        folder: Place for the files.
        rounds: Number of changes of each kind.
    """
    kinds = list(MUTATIONS)
    with FrameDecoder(time_limit_s=TIME_LIMIT_S) as decoder:
        for place, name in enumerate(INTACT):
            path = write_intact(folder, name)
            intact = frames_of(decoder, path)[0]
            starts = frame_starts(path)
            for mutation in kinds:
                for seed in range(rounds):
                    rng = np.random.default_rng([place, kinds.index(mutation), seed])
                    data = MUTATIONS[mutation](bytearray(path.read_bytes()), rng, starts)
                    changed = folder / f"changed-{name}"
                    changed.write_bytes(data)
                    outcome, detail = judged(decoder, changed, intact)
                    yield Trial(name, mutation, seed, outcome, detail)


def frames_of(decoder: FrameDecoder, path: Path) -> tuple[list[bytes], tuple[str, ...]]:
    """Decode a file; return hashes of its frames, and its notes."""
    info = decoder.probe(path)
    frames = [
        hashlib.blake2b(frame.tobytes()).digest()
        for chunk in decoder.stream(path, info=info)
        for frame in chunk
    ]
    return frames, info.notes


def judged(decoder: FrameDecoder, path: Path, intact: list[bytes]) -> tuple[str, str]:
    """Return the outcome for a changed file and its detail."""
    try:
        frames, notes = frames_of(decoder, path)
    except VideoError as error:
        kinds = {"the decoding process ended": "crash", "time limit": "hang"}
        found = [kind for start, kind in kinds.items() if error.cause.startswith(start)]
        return (found or ["refused"])[0], error.cause
    if frames == intact:
        return "identical", ""
    foreign = sum(frame not in set(intact) for frame in frames)
    detail = f"{len(frames)} of {len(intact)} frames, {foreign} of them altered"
    if notes and not foreign:
        return "noted", detail
    errors = logged(path)
    return ("wrong", f"{detail}; {errors[0]}") if errors else ("silent", detail)


def logged(path: Path) -> list[str]:
    """Decode a file with PyAV only; return the errors that FFmpeg logs."""
    with hearing() as log, av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type, stream.codec_context.thread_count = "NONE", 1
        for packet in container.demux(stream):
            try:
                stream.decode(packet)
            except av.FFmpegError as error:
                log.append((av.logging.ERROR, "", str(error)))
    return [text.strip() for level, _, text in log if level <= av.logging.ERROR]


def frame_starts(path: Path) -> list[int]:
    """Return where the coded frames lie in a file, in bytes."""
    with av.open(str(path)) as container:
        places = [packet.pos for packet in container.demux(video=0) if packet.size]
    return sorted({place for place in places if place})


def table(results: list[Trial]) -> str:
    """Return outcomes per clip as a Markdown table."""
    head = ["clip", "files", *OUTCOMES]
    rows = [head, ["---"] + ["---:"] * (len(head) - 1)]
    for name in [*INTACT, "all"]:
        mine = [trial for trial in results if name in (trial.clip, "all")]
        counts = Counter(trial.outcome for trial in mine)
        rows.append([name, str(len(mine)), *(str(counts[outcome]) for outcome in OUTCOMES)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
