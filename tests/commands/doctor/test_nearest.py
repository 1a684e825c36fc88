"""The search finds what a literal comparison of all frames finds."""

import numpy as np

from vqa.commands.doctor import nearest as module
from vqa.commands.doctor.nearest import (
    ALIKE,
    FIRST_ALIKE,
    Hashed,
    Match,
    nearest_among,
    nearest_earlier,
)


def changed(text, bits, rng, first=None):
    """Flip bits; `first` of them among the first 64."""
    first = bits // 4 if first is None else first
    places = [*rng.choice(64, first, False), *(64 + rng.choice(192, bits - first, False))]
    number = int(text, 16)
    for place in places:
        number ^= 1 << (255 - int(place))
    return f"{number:064x}"


def literal(videos, others, earlier):
    """The specification: every frame with every frame."""
    found = {}
    for place, video in enumerate(videos):
        matches = []
        for index, other in enumerate(others):
            if other.group == video.group or (earlier and index >= place):
                continue
            pairs = [
                (int(a, 16), int(b, 16)) for a in video.hashes for b in other.hashes if a and b
            ]
            near = [
                (a ^ b).bit_count()
                for a, b in pairs
                if (a ^ b).bit_count() <= ALIKE and ((a ^ b) >> 192).bit_count() <= FIRST_ALIKE
            ]
            if near:
                matches.append((min(near), index))
        if matches:
            bits, index = min(matches)
            found[place] = Match(index, bits)
    return found


def population(rng, count):
    videos = []
    for place in range(count):
        if videos and place % 3 == 0:
            source = videos[rng.integers(len(videos))]
            hashes = [
                changed(text, int(rng.integers(0, 60)), rng) for text in source.hashes if text
            ]
        else:
            hashes = [rng.bytes(32).hex() for _ in range(rng.integers(0, 4))]
        group = videos[-1].group if videos and place % 10 == 0 else f"g{place}"
        videos.append(Hashed(group, [*hashes, *[""] * int(rng.integers(0, 2))]))
    return videos


def test_all_pairs_as_in_a_literal_comparison(monkeypatch):
    rng = np.random.default_rng(0)
    videos, others = population(rng, 90), population(rng, 60)
    others += [Hashed(f"o{n}", videos[n].hashes) for n in range(0, 90, 7)]
    monkeypatch.setattr(module, "ROWS", 16)
    monkeypatch.setattr(module, "COLUMNS", 32)
    assert nearest_earlier(videos) == literal(videos, videos, True)
    assert nearest_among(videos, others) == literal(videos, others, False)
    assert len(nearest_earlier(videos)) > 10


def test_limits():
    rng = np.random.default_rng(1)
    text = rng.bytes(32).hex()
    for bits, first, expected in (
        (ALIKE, FIRST_ALIKE, {1: Match(0, ALIKE)}),
        (ALIKE + 1, FIRST_ALIKE, {}),
        (ALIKE, FIRST_ALIKE + 1, {}),
    ):
        videos = [Hashed("a", [text]), Hashed("b", [changed(text, bits, rng, first)])]
        assert nearest_earlier(videos) == expected


def test_any_frame_may_match_any_other():
    rng = np.random.default_rng(2)
    one, two, three, four = (rng.bytes(32).hex() for _ in range(4))
    videos = [Hashed("a", [one, two]), Hashed("b", [three, four]), Hashed("c", ["", two, four])]
    assert nearest_earlier(videos) == {2: Match(0, 0)}


def test_nothing_to_compare():
    blank = [Hashed("a", []), Hashed("b", [""])]
    assert nearest_earlier([]) == nearest_earlier(blank) == {}
    assert nearest_among(blank, []) == nearest_among([], blank) == {}


def test_a_group_is_not_compared_with_itself():
    text = "0f" * 32
    videos = [Hashed("a", [text]), Hashed("a", [text]), Hashed("b", [text])]
    assert nearest_earlier(videos) == {2: Match(0, 0)}


def test_many_videos_take_bounded_memory():
    """4,000 videos of three frames: a full table of distances would take 144 MB or more."""
    import tracemalloc

    rng = np.random.default_rng(3)
    data = rng.bytes(32 * 12000).hex()
    hashes = [data[start : start + 64] for start in range(0, len(data), 64)]
    videos = [Hashed(str(n), hashes[3 * n : 3 * n + 3]) for n in range(4000)]
    videos[3999] = Hashed("x", videos[5].hashes)
    tracemalloc.start()
    found = nearest_earlier(videos)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == {3999: Match(5, 0)}
    assert peak < 60e6
