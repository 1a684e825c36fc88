"""Transport packets."""

import pytest

from tests import clips
from vqa.video import VideoError, probe


@pytest.fixture(scope="module")
def stream(tmp_path_factory):
    path = clips.write_clip(tmp_path_factory.mktemp("clips") / "a.ts", 18, options={"crf": "40"})
    return path.read_bytes()


def video_packets(data):
    places = range(0, len(data), 188)
    return [p for p in places if (data[p + 1] & 0x1F, data[p + 2]) == (1, 0)]


def test_every_lost_packet_is_noticed(stream, tmp_path):
    """Also one that is a whole small frame."""
    for place in video_packets(stream)[1:-1]:
        path = tmp_path / "lost.ts"
        path.write_bytes(stream[:place] + stream[place + 188 :])
        with pytest.raises(VideoError, match=r"packets are missing|coded frame \d+ is damaged"):
            probe(path)


def test_a_packet_that_is_sent_twice_is_decoded_twice(stream, tmp_path):
    place = video_packets(stream)[9]
    (tmp_path / "twice.ts").write_bytes(stream[: place + 188] + stream[place:])
    with pytest.raises(VideoError, match=r"doubled|is damaged"):
        probe(tmp_path / "twice.ts")


def test_a_discontinuity_may_be_announced(stream, tmp_path):
    places = video_packets(stream)
    announced = bytearray(stream)
    start = next(p for p in places[5:] if announced[p + 3] & 0x20 and announced[p + 1] & 0x40)
    announced[start + 5] |= 0x80
    for place in (p for p in places if p >= start):
        announced[place + 3] = announced[place + 3] & 0xF0 | (announced[place + 3] + 5) & 0xF
    (tmp_path / "announced.ts").write_bytes(announced)
    assert probe(tmp_path / "announced.ts").frames == 18


def test_blu_ray_packets(tmp_path):
    path = clips.write_clip(
        tmp_path / "a.m2ts", 18, muxer_options={"mpegts_m2ts_mode": "1"}, codec="mpeg2video"
    )
    assert path.stat().st_size % 192 == 0
    assert probe(path).frames == 18
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(VideoError, match="whole transport packets"):
        probe(path)


def test_junk_after_the_last_packet_is_not_damage(stream, tmp_path):
    (tmp_path / "junk.ts").write_bytes(stream + b"appended")
    assert probe(tmp_path / "junk.ts").frames == 18
    (tmp_path / "cut.ts").write_bytes(stream[:-60])
    with pytest.raises(VideoError, match="whole transport packets"):
        probe(tmp_path / "cut.ts")
