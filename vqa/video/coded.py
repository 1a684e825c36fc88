"""Coded frames: the packets of a video as its demuxer presents them."""

from dataclasses import dataclass
from pathlib import Path

import av


@dataclass(slots=True, eq=False)
class CodedFrame:
    """Properties of one packet; times are in ticks of the stream's time base.

    It travels through the decoder as the `opaque` of its packet, and so tells which frame came out.

    Attributes:
        number: Number of the packet, counted from the first keyframe.
        pts: Presentation time.
        dts: Decoding time.
        key: Whether it is a keyframe.
        hidden: Whether an edit list hides it.
        shown: Whether the decoder outputs it.
        corrupt: Whether the demuxer found damage in it.
        size: Number of bytes.
    """

    number: int
    pts: int | None
    dts: int | None
    key: bool
    hidden: bool
    shown: bool
    corrupt: bool
    size: int

    @property
    def visible(self) -> bool:
        """Whether a player shows it."""
        return self.shown and not self.hidden


@dataclass(frozen=True, slots=True)
class Reading:
    """A file as its demuxer presents it.

    Attributes:
        path: The file.
        container: FFmpeg's name of the container.
        codec: FFmpeg's name of the codec.
        packets: The coded frames from the first keyframe on, in file order.
        first: The first decoded frame.
        nominal_hz: The stated frame rate.
        time_base: Length of a tick in seconds.
        stated: Number of frames in the header, 0 if it states none.
        stream_id: Packet identifier of a transport stream.
        notes: See `VideoInfo.notes`.
    """

    path: Path
    container: str
    codec: str
    packets: list[CodedFrame]
    first: av.VideoFrame
    nominal_hz: float
    time_base: float
    stated: int
    stream_id: int
    notes: tuple[str, ...]


def coded_frame(packet: av.Packet, number: int, codec: str) -> CodedFrame:
    """Return the properties of a packet, and attach them to it."""
    packet.opaque = properties = CodedFrame(
        number=number,
        pts=packet.pts,
        dts=packet.dts,
        key=packet.is_keyframe,
        hidden=packet.is_discard,
        shown=codec != "vp8" or bool(bytes(packet)[0] & 0x10),  # VP8 has hidden reference frames
        corrupt=packet.is_corrupt,
        size=packet.size,
    )
    return properties
