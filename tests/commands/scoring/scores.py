"""Scores and a scorer that reads no video, for tests of what becomes of them."""

from pathlib import Path
from types import SimpleNamespace

from vqa.commands.scoring.score import Score

SCORES = [
    Score(
        "a.mp4", 3.25, (1, 5), 2, [0.0, 0.04], [3.0, 3.5], "pyav 1", "none", "each frame",
        "two, or more", "run-1",
    ),
    Score("b.mp4", None, (1, 5), error="not a video", note="odd"),
    Score('say "hi",\n=1.mp4', 6.5, (1, 5), 1, [0.5], [6.5]),
]  # fmt: skip


class FakeScorer:
    """Scores a file by the length of its name; fails and stops as the name says."""

    scored = 0  # files, by all scorers
    uses_gpu = False
    decoders = "auto"

    def __init__(self, run, **options):
        self.run = SimpleNamespace(folder=Path(run), database={"name": "csv"})
        self.mos_range, self.notes, self.timeline = (1.0, 5.0), ("untrained",), "nothing"
        self.scale_is = "the MOS scale of csv"
        self.calibration, self.level = None, options["level"]
        self.identity = f"{run} {options['level']}"

    def score(self, videos, **_):
        for path in map(Path, videos):
            if path.stem == "stop":
                raise KeyboardInterrupt
            type(self).scored += 1
            yield (
                self.failed(str(path), "bad")
                if path.stem == "bad"
                else Score(
                    str(path), float(len(path.stem)), self.mos_range, 1, [0.5], [2.0],
                    note="its own", source=content_of(path),
                )
            )  # fmt: skip

    def use_decoders(self, decoders):
        type(self).decoders = decoders

    def failed(self, video, error):
        return Score(video, None, self.mos_range, error=error)


def content_of(path):
    """The hash of a file, as a source of features notes it."""
    from vqa.files import content_hash

    return content_hash(path)
