"""Whether the last coded frame of a file is complete, if its container has no end mark.

A decoder that reaches the end of a picture ignores the bytes behind it. A decoder that does not
reach it reads them. So the last picture is decoded again, followed by different bytes: it is
complete if all results are equal. This misses only a cut between two slices of HEVC.
"""

import hashlib
from collections.abc import Iterable, Iterator

import av

SUFFIXES = (b"\xa5" * 64, b"\x5a" * 64)  # neither contains a start code
# Codecs whose decoders take the bytes behind a whole picture for no error, unlike MPEG-2's.
TOLERANT_CODECS = frozenset(("h264", "hevc", "vvc"))


class Tail:
    """The coded frames from the last keyframe to the current one."""

    def __init__(self, stream: av.VideoStream) -> None:
        self._stream = stream
        self._packets: list[bytes] = []

    def follow(self, packet: av.Packet) -> None:
        """Add the next coded frame."""
        if packet.is_keyframe:
            self._packets.clear()
        self._packets.append(bytes(packet))

    def following(self, packets: Iterable[av.Packet]) -> Iterator[av.Packet]:
        """Yield coded frames, and add each."""
        for packet in packets:
            self.follow(packet)
            yield packet

    def is_complete(self) -> bool:
        """Return whether the last coded frame does not depend on the bytes that follow it."""
        is_tolerant = self._stream.codec.canonical_name in TOLERANT_CODECS
        suffixes = SUFFIXES + (b"",) * is_tolerant
        return len({self._decoded(suffix) for suffix in suffixes}) == 1

    def _decoded(self, suffix: bytes) -> bytes:
        """Return a hash of the frames that come out after the last coded frame and a suffix."""
        given = self._stream.codec_context
        context = av.CodecContext.create(given.codec.name, "r")
        context.thread_type, context.thread_count = "NONE", 1
        context.extradata = given.extradata
        context.width, context.height = given.width, given.height
        digest = hashlib.blake2b()
        *before, last = self._packets
        for data in before:
            _frames(context, av.Packet(data))
        for packet in (av.Packet(last + suffix), None):
            for frame in _frames(context, packet):
                for plane in frame.planes:
                    digest.update(plane)
        return digest.digest()


def _frames(context: av.VideoCodecContext, packet: av.Packet | None) -> list[av.VideoFrame]:
    try:
        return context.decode(packet)
    except av.FFmpegError:
        return []
