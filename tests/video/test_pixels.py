"""Conversion of frames to planes."""

import av
import numpy as np
import pytest

from tests import clips
from tests.clips import VP9, paint
from vqa.video import RawFormat, VideoError, planes, probe, stream_frames
from vqa.video.chunks import MAX_CHUNK_BYTES
from vqa.video.decoder import FrameDecoder

AS_STORED = {
    "h264.mp4": {},
    "h264.ts": {},
    "bt709.mp4": {"bt709": True},
    "vp9.webm": VP9,
    "odd.mp4": {"size": (131, 97), "codec": "mpeg4"},
    "full_range.mp4": {"pixel_format": "yuvj420p", "full_range": True},
    "full_range.webm": {**VP9, "full_range": True},
    "full_range_bt709.mp4": {"pixel_format": "yuvj420p", "full_range": True, "bt709": True},
}


def planar(path, indices=None, **options):
    return np.concatenate(list(stream_frames(path, indices, pixels="yuv420p", **options)))


def stored(path):
    """Return the planes of all frames of an 8-bit 4:2:0 file as PyAV's decoder stores them."""
    parts = ([], [], [])
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            assert frame.format.name in ("yuv420p", "yuvj420p")
            for part, plane in zip(parts, frame.planes, strict=True):
                rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
                part.append(rows[: plane.height, : plane.width])
    return [np.stack(part) for part in parts]


@pytest.fixture(scope="module")
def decoder():
    with FrameDecoder(chunk_frames=7) as decoder:
        yield decoder


@pytest.mark.parametrize("name", AS_STORED)
def test_420_samples_are_unchanged(tmp_path, decoder, name):
    """FFmpeg's filters do not rescale samples, also not in full range."""
    path = clips.write_clip(tmp_path / name, 20, **AS_STORED[name])
    info = probe(path)
    chunk = planar(path)
    assert chunk.dtype == np.uint8
    for ours, theirs in zip(planes(chunk, info.height, info.width), stored(path), strict=True):
        assert np.array_equal(ours, theirs)
    assert np.array_equal(np.concatenate(list(decoder.stream(path, pixels="yuv420p"))), chunk)
    some = [0, 3, 3, 14, 19]
    assert np.array_equal(planar(path, some, chunk_frames=2), chunk[some])
    assert np.array_equal(planar(path, some, leaping=True), chunk[some])
    there = list(decoder.stream(path, some, info=info, pixels="yuv420p"))
    assert np.array_equal(np.concatenate(there), chunk[some])


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuvj420p"])
@pytest.mark.parametrize("size", [(128, 96), (131, 97)])
def test_raw_420_is_the_file_itself(tmp_path, decoder, pixel_format, size):
    path, raw = tmp_path / "clip.yuv", RawFormat(*size, pixel_format=pixel_format)
    clips.write_raw(path, 9, size, pixel_format)
    truth = np.fromfile(path, np.uint8).reshape(9, raw.coded_bytes)
    assert np.array_equal(planar(path, raw=raw), truth)
    assert np.array_equal(planar(path, [2, 8], raw=raw, leaping=True), truth[[2, 8]])
    there = list(decoder.stream(path, raw=raw, pixels="yuv420p"))
    assert [len(chunk) for chunk in there] == [7, 2]
    assert np.array_equal(np.concatenate(there), truth)


@pytest.mark.parametrize(
    ("counter_clockwise", "mirrored"),
    [(90, False), (-90, False), (180, False), (0, True), (180, True), (90, True), (-90, True)],
)
def test_planes_are_upright(tmp_path, counter_clockwise, mirrored):
    plain = clips.write_clip(tmp_path / "plain.mp4", 3)
    path = clips.write_clip(
        tmp_path / "turned.mp4", 3, rotation=counter_clockwise, mirrored=mirrored
    )
    info = probe(path)
    upright = planes(planar(path), info.height, info.width)
    before = np.concatenate(list(stream_frames(plain)))
    shown = np.concatenate(list(stream_frames(path)))

    def turned(pictures, turns, flipped):
        pictures = np.rot90(pictures, turns, axes=(1, 2))
        return pictures[:, :, ::-1] if flipped else pictures

    def distance(way):
        there = turned(before, *way)
        return np.inf if there.shape != shown.shape else np.abs(shown - there.astype(float)).mean()

    way = min(((turns, flip) for turns in range(4) for flip in (False, True)), key=distance)
    assert distance(way) < 2  # chroma is interpolated before or after the turn
    assert way[1] == mirrored
    for ours, theirs in zip(upright, stored(plain), strict=True):
        assert np.array_equal(ours, turned(theirs, *way))


@pytest.mark.parametrize("pixel_format", ["yuv420p10le", "yuv422p", "yuv444p", "rgb24"])
@pytest.mark.parametrize("size", [(128, 96), (131, 97)])
def test_other_formats_are_converted(tmp_path, pixel_format, size):
    """Luma keeps its scale; chroma is the mean of the surrounding pixels."""
    width, height = size
    path, raw = tmp_path / "clip.raw", RawFormat(*size, pixel_format=pixel_format)
    frames = [
        av.VideoFrame.from_ndarray(paint(index, *size), format="rgb24").reformat(
            format=pixel_format, threads=1
        )
        for index in range(3)
    ]
    path.write_bytes(b"".join(samples(frame).tobytes() for frame in frames))
    luma, *chroma = planes(planar(path, raw=raw), height, width)
    bits = frames[0].format.components[0].bits
    for index, frame in enumerate(frames):
        # With several threads, this conversion sometimes corrupts rows of odd-sized frames.
        full = frame.reformat(format="yuv444p16le", threads=1)
        truth = [values / 256 for values in np.split(samples(full).view(np.uint16), 3)]
        y, u, v = (values.reshape(height, width) for values in truth)
        assert np.abs(luma[index] - y).max() <= (1.5 if bits == 10 else 1)
        for ours, theirs in zip(chroma, (u, v), strict=True):
            even = np.pad(theirs, ((0, height % 2), (0, width % 2)), mode="edge")
            halved = even.reshape(-(-height // 2), 2, -(-width // 2), 2).mean((1, 3))
            assert ours[index].shape == halved.shape
            smooth = ours[index][height // 8 + 2 :] - halved[height // 8 + 2 :]
            # For odd sizes, FFmpeg scales the whole plane instead of averaging pairs.
            assert np.abs(smooth).mean() < (2.5 if width % 2 else 1)
            assert np.abs(smooth).max() < 8


def samples(frame):
    """Return the bytes of all planes of a frame, without padding."""
    parts = []
    for plane, part in zip(frame.planes, frame.format.components, strict=False):
        row_bytes = part.width * -(-part.bits // 8)
        if frame.format.name == "rgb24":
            row_bytes = 3 * frame.width
        rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
        parts.append(rows[: plane.height, :row_bytes].ravel())
    return np.concatenate(parts)


@pytest.mark.parametrize("size", [(6, 4), (7, 5), (1, 1)])
def test_planes_are_views(size):
    width, height = size
    half = (-(-height // 2), -(-width // 2))
    samples_a_frame = height * width + 2 * half[0] * half[1]
    chunk = np.arange(3 * samples_a_frame).astype(np.uint8).reshape(3, -1)
    parts = planes(chunk, height, width)
    assert [part.shape for part in parts] == [(3, height, width), (3, *half), (3, *half)]
    assert all(np.shares_memory(part, chunk) for part in parts)
    assert np.array_equal(np.concatenate([part.reshape(3, -1) for part in parts], axis=1), chunk)
    with pytest.raises(ValueError, match="pixels='yuv420p'"):
        planes(chunk[:, 1:], height, width)
    with pytest.raises(ValueError, match="pixels='yuv420p'"):
        planes(chunk[0], height, width)


def test_chunks_follow_the_size_of_planar_frames(tmp_path):
    def grey(index, width, height):
        return np.full((height, width, 3), index, np.uint8)

    options = {"preset": "ultrafast"}
    path = clips.write_clip(
        tmp_path / "large.mp4", 13, size=(1920, 1080), options=options, picture=grey
    )
    info = probe(path)
    here = list(stream_frames(path, info=info, pixels="yuv420p"))
    assert [len(chunk) for chunk in here] == [10, 3]
    assert here[0].nbytes <= MAX_CHUNK_BYTES < 11 * here[0][0].nbytes
    with FrameDecoder() as decoder:
        for pixels in ("yuv420p", "rgb24", "yuv420p"):  # the shared memory grows and shrinks
            there = list(decoder.stream(path, info=info, pixels=pixels))
            truth = list(stream_frames(path, info=info, pixels=pixels))
            assert [len(chunk) for chunk in there] == [len(chunk) for chunk in truth]
            assert all(np.array_equal(a, b) for a, b in zip(there, truth, strict=True))


def test_decord_is_not_used_for_planes(tmp_path):
    pytest.importorskip("decord", reason="decord is not installed")
    path = clips.write_clip(tmp_path / "clip.mp4", 5)
    assert np.array_equal(planar(path, reader="decord"), planar(path))


def test_a_change_of_size_is_an_error(tmp_path):
    small = clips.write_clip(tmp_path / "small.h264", 20)
    large = clips.write_clip(tmp_path / "large.h264", 20, size=(192, 128))
    (tmp_path / "both.h264").write_bytes(small.read_bytes() + large.read_bytes())
    with pytest.raises(VideoError, match="size from 128x96 to 192x128"):
        planar(tmp_path / "both.h264")


def test_unknown_pixels(tmp_path, decoder):
    path = clips.write_clip(tmp_path / "clip.mp4", 2)
    with pytest.raises(ValueError, match="rgb24, yuv420p"):
        stream_frames(path, pixels="nv12")
    with pytest.raises(ValueError, match="rgb24, yuv420p"):
        decoder.stream(path, pixels="nv12")
