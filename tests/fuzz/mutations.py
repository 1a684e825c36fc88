"""Kinds of damage: each changes the bytes of a file in one way that storage or transfer may."""

from collections.abc import Callable

import numpy as np

Mutation = Callable[[bytearray, np.random.Generator, list[int]], bytes]

HEADER_BYTES = 600
TIME_SCALES = (b"mvhd", b"mdhd")
INDICES = (b"moov", b"idx1", b"\x1c\x53\xbb\x6b", b"stco", b"stsz", b"stts", b"mfra")


def bit_flips(data: bytearray, rng: np.random.Generator, _: list[int]) -> bytes:
    for place in rng.integers(0, len(data), rng.integers(1, 9)):
        data[place] ^= 1 << int(rng.integers(8))
    return data


def noise(data: bytearray, rng: np.random.Generator, _: list[int]) -> bytes:
    start, size = _block(data, rng)
    data[start : start + size] = rng.bytes(size)
    return data


def zero_block(data: bytearray, rng: np.random.Generator, _: list[int]) -> bytes:
    start, size = _block(data, rng)
    data[start : start + size] = bytes(size)
    return data


def swapped_blocks(data: bytearray, rng: np.random.Generator, _: list[int]) -> bytes:
    size = max(1, min(int(rng.choice([64, 188, 512])), len(data) // 4))
    one, two = sorted(rng.integers(0, len(data) // size, 2) * size)
    data[one : one + size], data[two : two + size] = (
        data[two : two + size],
        data[one : one + size],
    )
    return data


def doubled_block(data: bytearray, rng: np.random.Generator, _: list[int]) -> bytes:
    start, size = _block(data, rng)
    return data[: start + size] + data[start:]


def lost_block(data: bytearray, rng: np.random.Generator, _: list[int]) -> bytes:
    start, size = _block(data, rng)
    return data[:start] + data[start + size :]


def cut_start(data: bytearray, rng: np.random.Generator, _: list[int]) -> bytes:
    return data[int(rng.integers(1, len(data) // 4)) :]


def cut_anywhere(data: bytearray, rng: np.random.Generator, _: list[int]) -> bytes:
    return data[: int(rng.integers(len(data) // 4, len(data)))]


def cut_end(data: bytearray, rng: np.random.Generator, _: list[int]) -> bytes:
    return data[: -int(rng.integers(1, 200))]


def cut_at_frame(data: bytearray, rng: np.random.Generator, starts: list[int]) -> bytes:
    return data[: int(rng.choice(starts[1:]))] if len(starts) > 1 else data[: len(data) // 2]


def cut_at_transport_packet(data: bytearray, rng: np.random.Generator, _: list[int]) -> bytes:
    return data[: int(rng.integers(len(data) // 376, len(data) // 188)) * 188]


def few_bytes(data: bytearray, rng: np.random.Generator, _: list[int]) -> bytes:
    return data[: int(rng.integers(1, 64))]


def header_field(data: bytearray, rng: np.random.Generator, _: list[int]) -> bytes:
    start, size = int(rng.integers(0, min(HEADER_BYTES, len(data)))), int(rng.choice([1, 2, 4]))
    data[start : start + size] = (bytes(size), b"\xff" * size, rng.bytes(size))[rng.integers(3)]
    return data


def zero_time_scale(data: bytearray, rng: np.random.Generator, starts: list[int]) -> bytes:
    place = data.find(rng.choice(np.array(TIME_SCALES)).tobytes())
    if place < 0:
        return header_field(data, rng, starts)
    data[place + 16 : place + 20] = bytes(4)
    return data


def lost_index(data: bytearray, rng: np.random.Generator, starts: list[int]) -> bytes:
    places = [place for name in INDICES if (place := data.rfind(name)) >= 0]
    if not places:
        return lost_block(data, rng, starts)
    place = int(rng.choice(places))
    data[place : place + 4] = b"skip"
    return data


def junk_appended(data: bytearray, rng: np.random.Generator, _: list[int]) -> bytes:
    return data + rng.bytes(int(rng.integers(1, 3000)))


MUTATIONS: dict[str, Mutation] = {
    "bit flips": bit_flips,
    "noise": noise,
    "zero block": zero_block,
    "swapped blocks": swapped_blocks,
    "doubled block": doubled_block,
    "lost block": lost_block,
    "cut start": cut_start,
    "cut anywhere": cut_anywhere,
    "cut end": cut_end,
    "cut at frame": cut_at_frame,
    "cut at transport packet": cut_at_transport_packet,
    "few bytes": few_bytes,
    "header field": header_field,
    "zero time scale": zero_time_scale,
    "lost index": lost_index,
    "junk appended": junk_appended,
}


def _block(data: bytearray, rng: np.random.Generator) -> tuple[int, int]:
    """Choose start and size of a block."""
    size = min(int(rng.choice([16, 64, 188, 512])), len(data) // 2)
    return int(rng.integers(0, len(data) - size)), size
