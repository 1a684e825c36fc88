"""Frames of a video that the statistics use: once per second, two frames and a run of eight."""

from dataclasses import dataclass

from vqa.features.seconds import frame_of_each_second, whole_rate

RUN = 8  # consecutive luma planes of the temporal bands


@dataclass(frozen=True, slots=True)
class Window:
    """The frames behind one vector.

    Attributes:
        centre: The second's middle frame.
        before: A third of a second earlier.
        after: A third of a second later.
        run: Up to `RUN` consecutive frames around the centre.
    """

    centre: int
    before: int
    after: int
    run: range

    @property
    def frames(self) -> set[int]:
        """Indices of all frames that the window needs."""
        return {self.before, self.after, *self.run}


def windows(frames: int, frame_rate_hz: float) -> list[Window]:
    """Return the windows of a video, one per second, as the release of RAPIQUE places them.

    A centre is at most the last frame but one, and its neighbours exclude the first and the last
    frame. The run ends at the last frame but two at the latest. If that leaves nothing, in a video
    shorter than half a second or of a few frames, there is one window at the middle frame, with
    indices held within the video; a run then has at least one frame.

    Args:
        frames: N, at least 1.
        frame_rate_hz: Rounded to whole frames per second.

    Raises:
        ValueError: No frames, or no frame rate.
    """
    centres = frame_of_each_second(frames, frame_rate_hz, "middle").tolist()
    rate = whole_rate(frame_rate_hz)
    return [_window(centre, rate, frames) for centre in centres]


def _window(centre: int, rate: int, frames: int) -> Window:
    last = frames - 1
    before = min(max(1, centre - rate // 3), last)
    after = max(min(last - 1, centre + rate // 3), 0)
    start = min(max(1, centre - RUN // 2), last)
    stop = max(min(last - 1, start + RUN), start + 1)
    return Window(centre, before, after, range(start, stop))
