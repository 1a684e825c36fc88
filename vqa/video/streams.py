"""The video stream that is read if a file has several."""

import av
from av.stream import Disposition

DEFAULT_BONUS = 5_000_000


def main_stream(container: av.container.InputContainer) -> av.VideoStream | None:
    """Return the stream that the `ffmpeg` program chooses, or None if there is no video.

    It is the largest picture; a stream that is marked as default counts 5 million pixels more.
    Covers, streams without packets, and streams that FFmpeg cannot decode do not count.
    """
    candidates = _videos(container)
    if len(candidates) > 1:
        filled = _with_packets(container, {stream.index for stream in candidates})
        candidates = [stream for stream in candidates if stream.index in filled]
    return max(candidates, key=_score, default=None)


def note_on_choice(
    container: av.container.InputContainer, chosen: av.VideoStream
) -> tuple[str, ...]:
    """Return a note if a file has several video streams, else nothing."""
    others = [stream for stream in _videos(container) if stream.index != chosen.index]
    if not others:
        return ()
    unread = ", ".join(_name(stream) for stream in others)
    return (f"of {len(others) + 1} video streams read {_name(chosen)}, not {unread}",)


def _videos(container: av.container.InputContainer) -> list[av.VideoStream]:
    return [
        stream
        for stream in container.streams.video
        if stream.codec_context is not None and not stream.disposition & Disposition.attached_pic
    ]


def _score(stream: av.VideoStream) -> int:
    """Rank a stream as FFmpeg's `map_auto_video` does."""
    is_default = bool(stream.disposition & Disposition.default)
    return stream.width * stream.height + DEFAULT_BONUS * is_default


def _name(stream: av.VideoStream) -> str:
    return f"stream {stream.index} ({stream.width}x{stream.height})"


def _with_packets(container: av.container.InputContainer, indices: set[int]) -> set[int]:
    """Return which streams have packets; reads the file up to the first packet of the last one."""
    found: set[int] = set()
    with av.open(
        container.name, options=container.options, metadata_errors=container.metadata_errors
    ) as again:
        for packet in again.demux([again.streams[index] for index in indices]):
            if packet.size:
                found.add(packet.stream_index)
            if found == indices:
                break
    return found
