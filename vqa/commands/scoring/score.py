"""The score of one video."""

from dataclasses import asdict, dataclass, field
from typing import Any

from vqa.files import plain


@dataclass(frozen=True, slots=True)
class Score:
    """A scored video, or the error in its place.

    Attributes:
        video: Path of the file, or its address without passwords and signatures.
        value: Score on the MOS scale of the training database, higher is better; None on error.
        mos_range: Lowest and highest value of that scale; None if it is unknown.
        frames: Number of frames of the video.
        times_s: (T,) times in seconds of the timeline: of frames or of clips.
        frame_quality: (T,) quality at these times on the MOS scale.
        reader: Decoder and its version.
        weights: Weights of the feature extractor, in words.
        timeline: What the timeline is, and whether the score is its mean.
        note: What is special about this video or its score; empty if nothing is.
        run: Name of the run's folder.
        notes: What every reader of the score must know, for example untrained weights.
        error: Why there is no score; empty if there is one.
        raw: Score before the calibration to that scale; what papers compute their metrics on.
        interval: Holds the MOS with the probability `level` if the video is like those that the
            model was tested on; None if it was tested on too few.
        percentile: Share of the training videos whose MOS is at most the score, in percent.
        level: Probability that the interval was made for; None without an interval.
        source: SHA-256 of the file that was scored.
        state: What the store of a file elsewhere says of the version that was scored: its size with
            ETag or time; empty for a file of this machine.
        scales: The score on further scales, by name, for published weights that have some.
        explanation: Why the score is what it is, see `vqa.commands.scoring.explanation`; None
            unless it was asked for.

    Examples:
        >>> from vqa import Score
        >>> score = Score("cut.mp4", None, (1.0, 5.0), error="truncated after 41 of 240 frames")
        >>> f"{score.value:.2f}" if score.value is not None else f"no score: {score.error}"
        'no score: truncated after 41 of 240 frames'
    """

    video: str
    value: float | None
    mos_range: tuple[float, float] | None
    frames: int = 0
    times_s: list[float] = field(default_factory=list)
    frame_quality: list[float] = field(default_factory=list)
    reader: str = ""
    weights: str = ""
    timeline: str = ""
    note: str = ""
    run: str = ""
    notes: tuple[str, ...] = ()
    error: str = ""
    raw: float | None = None
    interval: tuple[float, float] | None = None
    percentile: float | None = None
    level: float | None = None
    source: str = ""
    state: str = ""
    scales: dict[str, float] = field(default_factory=dict)
    explanation: dict[str, Any] | None = None

    def entry(self) -> dict[str, Any]:
        """Return the score as a JSON object; `notes`, the same for all scores, are left out.

        `explanation` is there only if it was asked for.
        """
        entry = asdict(self)
        del entry["notes"]
        if self.explanation is None:
            del entry["explanation"]
        return plain({"video": entry.pop("video"), "score": entry.pop("value"), **entry})
