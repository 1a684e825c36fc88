"""Likeness: copies of a video keep the hashes of its frames, different videos have others."""

import os
from fractions import Fraction

import av
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, zoom

from tests.clips import write_clip
from tests.places import SHARED
from vqa.commands.doctor.likeness import BITS, LATEST, frame_hash, frame_indices
from vqa.commands.doctor.nearest import ALIKE, Hashed, nearest_earlier
from vqa.video import planes, probe, stream_frames

CLIPS = sorted((SHARED / "konvid-clips").glob("**/*.mp4"))
SIZE = (320, 180)


def of_file(path):
    info = probe(path)
    chunks = stream_frames(path, frame_indices(info.times_s), info=info, pixels="yuv420p")
    pictures = [luma for chunk in chunks for luma in planes(chunk, info.height, info.width)[0]]
    return [frame_hash(luma) for luma in pictures]


def distance(one, other):
    """Count differing bits, the slow way."""
    return (int(one, 16) ^ int(other, 16)).bit_count()


def nearest(some, others):
    return min(distance(one, other) for one in some for other in others if one and other)


def texture(seed, height=180, width=320, grain=5):
    """A natural-looking picture (H,W)."""
    noise = np.random.default_rng(seed).normal(size=(height, width))
    layers = sum(scale * gaussian_filter(noise, scale) for scale in (grain, 2 * grain, 4 * grain))
    return np.clip(128 + 40 * layers / layers.std(), 0, 255).astype(np.uint8)


CHANGES = {
    "brighter": lambda luma: np.clip(luma.astype(int) + 10, 0, 255).astype(np.uint8),
    "darker": lambda luma: np.clip(luma.astype(int) - 10, 0, 255).astype(np.uint8),
    "halved": lambda luma: luma[::2, ::2],
    "enlarged": lambda luma: zoom(luma, 3, order=1),
    "squashed": lambda luma: zoom(luma, (1, 0.5), order=1),
    "cropped by 2 %": lambda luma: luma[2:-2, 3:-3],
    "blurred": lambda luma: gaussian_filter(luma, 2),
    "limited range": lambda luma: (16 + luma * (219 / 255)).astype(np.uint8),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_changes_that_keep_the_scene_keep_the_hash(change):
    for seed in range(5):
        luma = texture(seed)
        assert distance(frame_hash(luma), frame_hash(change(luma))) <= ALIKE


def test_other_pictures_have_other_hashes():
    hashes = [frame_hash(texture(seed)) for seed in range(40)]
    hashes += [frame_hash(texture(0)[::-1]), frame_hash(texture(0)[:, ::-1])]
    distances = [distance(a, b) for place, a in enumerate(hashes) for b in hashes[:place]]
    assert min(distances) > 2 * ALIKE
    assert abs(np.mean(distances) - BITS / 2) < 3


def grid(height=180, width=320):
    return np.mgrid[0:height, 0:width] / np.array([height, width]).reshape(2, 1, 1)


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((180, 320)),
        np.full((180, 320), 128),
        220 * grid()[1],
        110 * grid().sum(0),
        200 - 200 * np.hypot(*(grid() - 0.5)),
        np.where(grid()[0] < 0.5, 200, 50),
        np.floor(8 * grid()[1]) * 30,
        128 + np.random.default_rng(0).normal(0, 2, (180, 320)),
    ],
    ids=["black", "grey", "gradient", "diagonal", "vignette", "horizon", "bars", "noise"],
)
def test_frames_without_structure_have_no_hash(picture):
    assert frame_hash(picture.astype(np.uint8)) == ""


def test_tiny_and_huge_frames():
    assert frame_hash(np.zeros((1, 1), np.uint8)) == ""
    assert len(frame_hash(np.random.default_rng(0).integers(0, 256, (9, 5), np.uint8))) == BITS // 4
    huge = zoom(texture(0), 12, order=1)
    assert distance(frame_hash(texture(0)), frame_hash(huge)) <= ALIKE


@pytest.mark.parametrize(
    ("times_s", "expected"),
    [
        (np.arange(240) / 30, [0, 7, 15]),
        (np.arange(240) / 25, [0, 6, 12]),
        (np.arange(240) / 60, [0, 15, 30]),
        (np.arange(5) / 30, [0, 4]),
        (np.zeros(1), [0]),
        (np.array([0.0, 3.0, 6.0]), [0]),
        (np.arange(90000) / 90000, [0, LATEST]),
    ],
)
def test_frames_are_chosen_by_time(times_s, expected):
    assert frame_indices(times_s).tolist() == expected


def moving(seed, speed=1):
    """A camera that moves over a texture."""
    field = texture(seed, 200, 500)
    return lambda index, width, height: np.repeat(
        field[10 : 10 + height, speed * index : speed * index + width, None], 3, 2
    )


def test_copies_of_a_file(tmp_path):
    original = of_file(write_clip(tmp_path / "a.mp4", 24, size=SIZE, picture=moving(1)))
    assert len(original) == 3
    poor = write_clip(tmp_path / "b.mp4", 24, size=SIZE, picture=moving(1), options={"crf": "40"})
    assert nearest(original, of_file(poor)) <= ALIKE
    trimmed = write_clip(
        tmp_path / "c.mkv", 24, size=SIZE,
        picture=lambda index, *size: moving(1)(index + 5, *size),
    )  # fmt: skip
    assert nearest(original, of_file(trimmed)) <= ALIKE
    slower = write_clip(tmp_path / "d.mp4", 12, size=SIZE, rate=15, picture=moving(1, speed=2))
    assert nearest(original, of_file(slower)) <= ALIKE
    faded = write_clip(
        tmp_path / "e.mp4", 24, size=SIZE,
        picture=lambda index, *size: moving(1)(index, *size) * (index > 3),
    )  # fmt: skip
    assert of_file(faded)[0] == ""
    assert nearest(original, of_file(faded)) <= ALIKE
    other = write_clip(tmp_path / "f.mp4", 24, size=SIZE, picture=moving(2))
    assert nearest(original, of_file(other)) > 2 * ALIKE


def re_encoded(path, target, size, skip=0, drop=1, options=None):
    """Write the first frames of a clip again."""
    with av.open(str(path)) as source, av.open(str(target), "w") as container:
        rate = Fraction(source.streams.video[0].average_rate) / drop
        settings = {"preset": "veryfast", **(options or {})}
        stream = container.add_stream("libx264", rate=rate, options=settings)
        stream.width, stream.height = size
        frames = (frame for _, frame in zip(range(30), source.decode(video=0), strict=False))
        for index, frame in enumerate(list(frames)[skip::drop]):
            frame = frame.reformat(*size, "yuv420p")
            frame.pts, frame.time_base = index, 1 / rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return target


def test_real_clips(tmp_path):
    if not CLIPS:
        pytest.skip("the real KoNViD-1k clips are not here")
    hashes = {path: of_file(path) for path in CLIPS}
    hashed = [Hashed(os.fspath(path), found) for path, found in hashes.items()]
    assert nearest_earlier(hashed) == {}
    for path in CLIPS[:2]:
        poor = re_encoded(path, tmp_path / "poor.mp4", (960, 540), options={"crf": "40"})
        small = re_encoded(path, tmp_path / "small.mp4", (320, 180), skip=4, drop=2)
        for copy in (poor, small):
            assert nearest(hashes[path], of_file(copy)) <= ALIKE


def test_scenes_of_the_demo_databases(demo_clips):
    hashed = [Hashed(video.content_id, of_file(video.path)) for video in demo_clips]
    assert sum(any(one.hashes) for one in hashed) >= 0.8 * len(hashed)
    assert nearest_earlier(hashed) == {}
    ungrouped = [Hashed(str(place), one.hashes) for place, one in enumerate(hashed)]
    assert len(nearest_earlier(ungrouped)) >= 0.4 * len(hashed)


@pytest.fixture
def demo_clips(tmp_path):
    """Two versions of every scene of the demo databases; the variants share scenes with `demo`."""
    pytest.importorskip("skimage")
    from vqa.databases import demo
    from vqa.databases.synthesis.plan import VARIANTS

    return [
        video
        for variant in VARIANTS
        if variant != "demo"
        for video in demo.read(
            tmp_path, variant=variant, versions=2, frames=14, size=(160, 120)
        ).videos
    ]
