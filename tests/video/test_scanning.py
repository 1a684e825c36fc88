"""Files that begin between keyframes, joined recordings, and what was found in the field."""

import csv

import av
import numpy as np
import pytest

from tests import clips
from tests.clips import FRAMES, OPEN_GROUPS, X265, numbers
from tests.places import SHARED
from vqa.video import VideoError, probe, read_frames, stream_frames

FIELD = SHARED / "field"
# Settings of `write_clip`, with B-frames.
KINDS = {
    "h264": {},
    "h264_open": {"options": OPEN_GROUPS},
    "hevc_open": {"codec": "libx265", "options": X265},
    "mpeg2": {"codec": "mpeg2video", "options": {"bf": "2"}},
    "mpeg4": {"codec": "mpeg4", "options": {"bf": "2"}},
}


def all_frames(path, **options):
    return np.concatenate(list(stream_frames(path, **options)))


def without_start(source, path, lost):
    """Copy the packets of a file except the first ones; return whether each kept is a keyframe."""
    kept = []
    with av.open(str(source)) as given, av.open(str(path), "w") as taken:
        stream = given.streams.video[0]
        copy = taken.add_stream_from_template(stream)
        for number, packet in enumerate(given.demux(stream)):
            if packet.size and number >= lost:
                kept.append(packet.is_keyframe)
                packet.stream = copy
                taken.mux(packet)
    return kept


@pytest.mark.parametrize("suffix", ["ts", "mkv", "mp4"])
@pytest.mark.parametrize("lost", [5, "to the second keyframe", 27])
@pytest.mark.parametrize("kind", KINDS)
def test_reading_begins_with_the_first_keyframe(tmp_path, kind, lost, suffix):
    source = clips.write_clip(tmp_path / "whole.ts", **KINDS[kind])
    intact = all_frames(source)
    if isinstance(lost, str):
        with av.open(str(source)) as container:
            packets = [packet.is_keyframe for packet in container.demux(video=0) if packet.size]
        lost = packets.index(True, 1)
    path = tmp_path / f"part.{suffix}"
    kept = without_start(source, path, lost)
    info = probe(path)
    frames = all_frames(path, info=info)
    first = numbers(frames)[0]
    assert first == (36 if lost == 27 else 12)
    assert np.array_equal(frames, intact[first:])
    assert np.array_equal(read_frames(path, [9, 3]), frames[[9, 3]])
    missing = len(kept) - len(frames)
    notes = [f"begins between keyframes: {missing} coded frames without a reference are left out"]
    assert list(info.notes) == (notes if missing else [])
    assert len(info.times_s) == info.frames
    assert info.times_s[0] == 0


def test_leading_pictures_that_need_no_lost_frame_are_shown(tmp_path):
    """HEVC's decodable leading pictures precede the keyframe that they refer to."""
    options = {**X265, "x265-params": "log-level=none:pools=1:open-gop=0:radl=2:bframes=3"}
    source = clips.write_clip(tmp_path / "whole.ts", codec="libx265", options=options)
    with av.open(str(source)) as container:
        keys = [p.is_keyframe for p in container.demux(video=0) if p.size]
    without_start(source, tmp_path / "part.ts", keys.index(True, 1))
    info = probe(tmp_path / "part.ts")
    shown = numbers(all_frames(tmp_path / "part.ts", info=info))
    assert shown == list(range(shown[0], FRAMES))
    assert info.notes == ()


@pytest.mark.parametrize("size", [(128, 96), (192, 128)])
def test_joined_recordings_are_refused(tmp_path, size):
    one = clips.write_clip(tmp_path / "one.ts", 20)
    two = clips.write_clip(tmp_path / "two.ts", 20, size=size)
    (tmp_path / "both.ts").write_bytes(one.read_bytes() + two.read_bytes())
    with pytest.raises(VideoError, match=r"jump back by .* joined") as caught:
        probe(tmp_path / "both.ts")
    assert caught.value.frames == 20


def test_a_cut_between_frames_leaves_holes_in_the_order_of_presentation(tmp_path):
    path = clips.write_clip(tmp_path / "a.ts", 30)
    data = path.read_bytes()
    with av.open(str(path)) as container:
        packets = [(p.pos, p.pts) for p in container.demux(video=0) if p.size]
    refused = 0
    for number in range(12, 29):
        path.write_bytes(data[: packets[number][0] // 188 * 188])
        stamps = sorted(pts for _, pts in packets[:number])
        if np.all(np.diff(stamps) == 3000):
            probe(path)
            continue
        refused += 1
        with pytest.raises(VideoError, match="missing before the last"):
            probe(path)
    assert refused > 6


@pytest.mark.parametrize("ticks", [None, clips.UNEVEN_TICKS])
@pytest.mark.parametrize("b_frames", ["0", "3"])
def test_whole_streams_have_no_holes(tmp_path, ticks, b_frames):
    path = clips.write_clip(tmp_path / "a.ts", ticks=ticks, options={"bf": b_frames})
    assert len(all_frames(path)) == FRAMES


def test_side_data_that_pyav_does_not_know(tmp_path):
    path = clips.write_clip(tmp_path / "exif.mov", 3, codec="tiff", pixel_format="rgb24")
    assert numbers(all_frames(path)) == [0, 1, 2]


def field_files():
    if not FIELD.exists():
        return []
    with (FIELD / "damaged/README.tsv").open(encoding="utf-8") as file:
        damaged = [f"damaged/{row['file']}" for row in csv.DictReader(file, delimiter="\t")]
    cut = ["cut.y4m", "cut.ogv", "cut.gif", "h264_cut_at_packet.ts", "hevc_cut_at_packet.ts"]
    return damaged + cut


@pytest.mark.skipif(not FIELD.exists(), reason="the inputs of the field test are absent")
@pytest.mark.parametrize("name", field_files())
def test_damage_of_the_field_is_refused(name):
    with pytest.raises(VideoError, match=r"damaged|cut short"):
        all_frames(FIELD / name)


@pytest.mark.skipif(not FIELD.exists(), reason="the inputs of the field test are absent")
@pytest.mark.parametrize(
    ("name", "frames", "note"),
    [
        ("og_cut.ts", 26, "begins between keyframes: 2 "),
        ("mid264.ts", 26, "begins between keyframes: 10 "),
        ("two_prog.ts", 50, "of 2 video streams read stream 1 (320x240)"),
        ("junk_text.mp4", 50, None),
        ("junk_id3.mp4", 50, None),
    ],
)
def test_what_the_field_wrongly_refused_is_read(name, frames, note):
    info = probe(FIELD / name)
    assert len(all_frames(FIELD / name, info=info)) == frames
    assert [text.startswith(note) for text in info.notes] == [True] * bool(note)
