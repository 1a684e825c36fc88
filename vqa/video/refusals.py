"""Why a file is refused before it is decoded: its container shows that frames are missing."""

import itertools

import numpy as np

from vqa.video.coded import Reading
from vqa.video.damage.endings import ending, lost_packets

STEADY_FRAMES = 8  # so many show that a frame rate is constant
JOINED_JUMP_S = 0.25  # a jump back in decoding time that only joined recordings have


def damage_in(reading: Reading, message: str | None) -> tuple[str, int] | None:
    """Return the damage that a container shows, and the number of frames before it.

    Args:
        reading: The file.
        message: What the demuxer says of damage, or None.

    Returns:
        Cause and number, or None for a file that looks intact.
    """
    packets, kinds = reading.packets, reading.container.split(",")
    whole = sum(packet.visible and not packet.corrupt for packet in packets)
    if cause := ending(reading.path, reading.container, packets[-1].size):
        return cause, whole
    is_program = not {"mpegts", "mpeg"}.isdisjoint(kinds)
    if is_program and (joint := _joint(reading)):
        return joint
    for number, packet in enumerate(packets):
        if packet.corrupt:
            return f"coded frame {number} is damaged or cut short", number
    if lost := lost_packets(reading.path, reading.container, reading.stream_id):
        return lost, whole
    if is_program and (hole := _hole(reading)):
        return hole
    if "avi" in kinds and reading.stated > 1 + max((packet.dts or 0) for packet in packets):
        return f"cut short: the header states {reading.stated} frames", len(packets)
    if message:
        return f"damaged or cut short: {message}", len(packets)
    return None


def _joint(reading: Reading) -> tuple[str, int] | None:
    """Return where decoding times jump back, because two recordings were joined, or None."""
    ticks = [packet.dts for packet in reading.packets]
    for number, (before, after) in enumerate(itertools.pairwise(ticks), 1):
        if before is None or after is None:
            continue
        jump_s = (before - after) * reading.time_base
        if jump_s > JOINED_JUMP_S:
            return (
                f"its timestamps jump back by {jump_s:.2f} s: expected one recording, found joined "
                "ones; split the file, or remux it with continuous timestamps",
                number,
            )
    return None


def _hole(reading: Reading) -> tuple[str, int] | None:
    """Return that frames are missing shortly before the last one, or None.

    A frame that others precede in presentation is stored before them. So a file that is cut between
    coded frames has holes after its last decoding time. A constant frame rate shows them.
    """
    shown = [packet for packet in reading.packets if packet.visible]
    ticks, end = [packet.pts for packet in shown], shown[-1].dts
    if None in ticks or end is None or len(ticks) < STEADY_FRAMES or np.all(np.diff(ticks) >= 0):
        return None
    order = np.sort(ticks)
    steps = np.diff(order) / np.median(np.diff(order))
    late = order[1:] > end
    is_steady = np.all(np.abs(steps - np.rint(steps)) < 0.1) and np.all(steps[~late] < 1.5)
    if is_steady and np.any(steps[late] > 1.5):
        return "cut short: frames are missing before the last one", len(ticks) - 1
    return None
