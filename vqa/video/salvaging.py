"""The good frames of a damaged file, for users who want a score all the same."""

import dataclasses
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np

from vqa.video.coded import CodedFrame, Reading, coded_frame
from vqa.video.damage.endings import has_no_end_mark
from vqa.video.damage.messages import damage_while_demuxing, hearing
from vqa.video.damage.tail import Tail
from vqa.video.packets import (
    VideoError,
    VideoInfo,
    coded_frames,
    decoded_once,
    is_before,
    opened,
    until_failure,
)
from vqa.video.readers import check_whole
from vqa.video.scanning import described, nominal_hz, scan
from vqa.video.streams import note_on_choice


@dataclass(frozen=True, slots=True)
class _Output:
    """A decoded frame: the number of its packet, its size and format, and FFmpeg's opinion."""

    number: int
    shape: tuple[int, int, str]
    corrupt: bool


def salvage(path: Path) -> VideoInfo:
    """Decode a whole file and return the properties of its good frames.

    A frame is good if it was decoded before the first damage, or after damage from the next
    keyframe on. The properties of an intact file are those that `scan` returns.

    Raises:
        VideoError: The file has no video or no good frame.
    """
    try:
        info = scan(path)
        check_whole(info)
    except VideoError as error:
        cause = error.cause
    else:
        return info
    with opened(path) as (container, stream):
        packets, breaks, signs, outputs, firsts = _decoded(path, container, stream)
        signs |= {output.number for output in outputs if output.corrupt}
        sound = _sound(packets, breaks, signs)
        shape = next((output.shape for output in outputs if output.number in sound), None)
        good = [n for n, it in enumerate(outputs) if it.number in sound and it.shape == shape]
        if not good:
            raise VideoError(path, f"{cause}; no frame is good")
        about = max(stream.frames, len(packets))
        note = f"damaged: {cause}; {len(good)} frames were read of about {about}"
        reading = Reading(
            path=path,
            container=container.format.name,
            codec=stream.codec.canonical_name,
            packets=packets,
            first=firsts[shape],
            nominal_hz=nominal_hz(stream),
            time_base=float(stream.time_base),
            stated=stream.frames,
            stream_id=stream.id,
            notes=(*note_on_choice(container, stream), note),
        )
    shown = _in_order([packets[outputs[n].number] for n in good])
    return dataclasses.replace(described(reading, shown), good=np.array(good))


def _decoded(
    path: Path, container: av.container.InputContainer, stream: av.VideoStream
) -> tuple[list[CodedFrame], set[int], set[int], list[_Output], dict[Any, av.VideoFrame]]:
    """Decode as far as possible.

    Returns:
        The packets, the numbers of those before which data is lost, the numbers of those that show
        damage, the decoded frames in the order of the decoder, and the first frame of each size and
        format.
    """
    codec = stream.codec.canonical_name
    stream.codec_context.copy_opaque = True
    packets: list[CodedFrame] = []
    breaks: set[int] = set()
    signs: set[int] = set()
    outputs: list[_Output] = []
    firsts: dict[Any, av.VideoFrame] = {}
    tail = Tail(stream)
    for packet, demuxer_sign in _heard(until_failure(coded_frames(container, stream))):
        number = len(packets)
        if packet is not None:
            packets.append(coded_frame(packet, number, codec))
            tail.follow(packet)
        frames, sign = decoded_once(stream, packet)
        if demuxer_sign:
            breaks.add(number)
        if packet is not None and (sign or packet.is_corrupt):
            signs.add(number)
        for frame in frames:
            shape = (frame.width, frame.height, frame.format.name)
            outputs.append(_Output(frame.opaque.number, shape, frame.is_corrupt))
            firsts.setdefault(shape, frame)
    if has_no_end_mark(path, container.format.name, stream.id) and not tail.is_complete():
        signs.add(len(packets) - 1)
    return packets, breaks, signs, outputs, firsts


def _heard(packets: Iterator[av.Packet | None]) -> Iterator[tuple[av.Packet | None, str | None]]:
    """Yield packets with the sign of damage that the demuxer gave before each."""
    while True:
        with hearing() as log:
            packet = next(packets)
        yield packet, damage_while_demuxing(log)
        if packet is None:
            return


def _sound(packets: list[CodedFrame], breaks: set[int], signs: set[int]) -> set[int]:
    """Return the numbers of the packets that depend on no damage."""
    sound, start, numbers = True, None, set()
    for number, packet in enumerate(packets):
        sound = sound and number not in breaks and number not in signs
        if not sound and packet.key and number not in signs:
            sound, start = True, packet.pts
        if sound and not is_before(packet, start):
            numbers.add(number)
    return numbers


def _in_order(shown: list[CodedFrame]) -> list[CodedFrame]:
    """Return coded frames in the order of the decoder, without times that contradict it."""
    for clock in ("pts", "dts"):
        ticks = [getattr(packet, clock) for packet in shown]
        if None in ticks or any(after <= before for before, after in itertools.pairwise(ticks)):
            shown = [dataclasses.replace(packet, **{clock: None}) for packet in shown]
    return shown
