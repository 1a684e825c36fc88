"""What FFmpeg logs, heard by the thread that reads."""

import logging
import threading

import av

from tests import clips
from vqa.video import VideoError, stream_frames
from vqa.video.damage.messages import damage_while_decoding, damage_while_demuxing, hearing


def test_each_thread_hears_itself_and_nothing_is_printed(capfd, caplog):
    heard, begun, done = [], threading.Event(), threading.Event()

    def other():
        with hearing() as log:
            av.logging.log(av.logging.ERROR, "h264", "of another thread")
            begun.set()
            done.wait(10)
            heard.extend(log)

    thread = threading.Thread(target=other)
    with hearing() as log, caplog.at_level(logging.DEBUG):
        thread.start()
        begun.wait(10)
        av.logging.log(av.logging.ERROR, "h264", "of this thread")
        with hearing() as inner:
            av.logging.log(av.logging.WARNING, "h264", "inner")
    av.logging.log(av.logging.ERROR, "h264", "without a listener")
    done.set()
    thread.join()
    assert [text for _, _, text in log] == ["of this thread"]
    assert [text for _, _, text in inner] == ["inner"]
    assert [text for _, _, text in heard] == ["of another thread"]
    assert av.logging.get_level() is None
    assert capfd.readouterr() == ("", "")
    assert not caplog.records


def test_the_same_damage_is_heard_in_many_threads_at_once(tmp_path):
    bad = clips.damage(clips.write_clip(tmp_path / "bad.mp4"))
    good = clips.write_clip(tmp_path / "good.mp4")
    outcomes = []

    def read(path):
        for _ in range(4):
            try:
                outcomes.append((path, sum(len(chunk) for chunk in stream_frames(path))))
            except VideoError as error:
                outcomes.append((path, error.cause))

    threads = [threading.Thread(target=read, args=(path,)) for path in (bad, good) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {result for path, result in outcomes if path == good} == {clips.FRAMES}
    assert all(
        "decoded" in result or "damaged" in result for path, result in outcomes if path == bad
    )
    assert len(outcomes) == 16


def test_meanings():
    error, warning, info = av.logging.ERROR, av.logging.WARNING, av.logging.INFO
    assert (
        damage_while_decoding([(error, "gif", "LZW decode failed\n")]) == "gif: LZW decode failed"
    )
    assert damage_while_decoding([(info, "h264", "concealing 4 DC, 4 AC, 4 MV errors in P frame")])
    assert damage_while_decoding([(warning, "mjpeg", "unusual but harmless")]) is None
    assert damage_while_decoding([(error, "h264", "SEI type 4 size 60 truncated at 40")]) is None
    assert damage_while_decoding([(error, "aac", "sound is not read")]) is None
    assert damage_while_decoding([(error, "mov,mp4", "Referenced chapter track not found")]) is None
    # A decoder speaks while the file is opened, too: of what lies before the first keyframe.
    assert damage_while_demuxing([(error, "h264", "non-existing PPS 0 referenced")]) is None
    assert damage_while_demuxing([(error, "ogg", "CRC mismatch!\n")]) == "ogg: CRC mismatch!"
    assert damage_while_demuxing([(error, "", "Truncating packet")]) == "Truncating packet"
