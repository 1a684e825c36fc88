"""The inputs of a run: everything that numbers are made from is compared before it is reused."""

from dataclasses import replace
from pathlib import Path

import pytest

from vqa.databases.records import Database, VideoRecord
from vqa.files import plain, write_json
from vqa.runs import RunError
from vqa.runs.inputs import changes, described
from vqa.runs.opening import open_run

VIDEOS = tuple(VideoRecord(f"v{k}.mp4", Path(f"v{k}.mp4"), 1.0 + k, content="c") for k in range(4))
DATABASE = Database("mine", (1.0, 5.0), VIDEOS)
HASHES = {video.id: f"hash of {video.id}" for video in VIDEOS}
FILES = {"features.external.path": "f00"}
INPUTS = plain(described(DATABASE, HASHES, FILES))


def with_first(**fields):
    return replace(DATABASE, videos=(replace(VIDEOS[0], **fields), *VIDEOS[1:]))


def told(database=DATABASE, hashes=HASHES, files=FILES):
    return list(changes(INPUTS, plain(described(database, hashes, files))))


def test_nothing_changed():
    assert told() == []
    assert told(replace(DATABASE, videos=VIDEOS[::-1])) == []


@pytest.mark.parametrize(
    ("field", "value", "word"),
    [
        ("mos", 1.0000001, "MOS"),
        ("mos_std", 0.5, "standard deviation"),
        ("ratings", 7, "number of ratings"),
        ("content", None, "content"),
        ("split", "train", "part"),
        ("group", "blur", "group"),
        ("frame_rate_hz", 25.0, "frame rate"),
    ],
)
def test_every_field_of_a_label_counts(field, value, word):
    assert told(with_first(**{field: value})) == [f"another {word} for 1 video (v0.mp4)"]


def test_other_files_names_scales_and_settings_are_named():
    assert told(hashes=HASHES | {"v1.mp4": "x", "v2.mp4": ""}) == [
        "another file for 2 videos (v1.mp4, v2.mp4)"
    ]
    fewer = replace(DATABASE, videos=VIDEOS[1:])
    assert told(fewer) == ["1 video (v0.mp4) gone from the label table"]
    assert list(changes(plain(described(fewer, HASHES, FILES)), INPUTS)) == [
        "1 video (v0.mp4) new in the label table"
    ]
    (scale,) = told(replace(DATABASE, mos_range=(0.0, 5.0)))
    assert "MOS range was [1.0, 5.0] and is [0.0, 5.0]" in scale
    assert told(files={}) == ["another content of features.external.path"]
    assert told(replace(DATABASE, skipped=("w.mp4",))) == ["other labelled videos are absent"]


def test_the_format_of_raw_video_counts():
    raw = replace(VIDEOS[0], id="a.yuv", path=Path("a.yuv"), width=96, height=64)
    database = Database("mine", (1.0, 5.0), (raw,))
    stored = plain(described(database, {"a.yuv": "h"}, {}))
    slower = replace(database, videos=(replace(raw, frame_rate_hz=25.0),))
    found = plain(described(slower, {"a.yuv": "h"}, {}))
    assert any("raw format" in change for change in changes(stored, found))


@pytest.fixture
def run(tmp_path):
    return open_run(tmp_path / "run", {"name": "a", "seed": 0, "model": {}})


def test_a_run_holds_its_inputs_and_refuses_others_in_one_line(run):
    for _ in range(2):
        run.hold(described(DATABASE, HASHES, FILES))
    with pytest.raises(RunError, match=r"another MOS for 1 video \(v0\.mp4\).*fresh=true"):
        run.hold(described(with_first(mos=2.0), HASHES, FILES))
    assert run.inputs() == INPUTS


def test_a_run_that_an_older_version_began_is_refused(run):
    write_json(run.folder / "splits" / "split0.json", {})
    with pytest.raises(RunError, match=r"inputs\.json is absent.*fresh=true"):
        run.hold(described(DATABASE, HASHES, FILES))


def test_the_file_has_a_line_per_video_and_other_layouts_hold_as_well(tmp_path):
    run = open_run(tmp_path / "run", {"name": "run", "seed": 0, "model": {}})
    run.hold(described(DATABASE, HASHES, FILES))
    path = run.folder / "inputs.json"
    text = path.read_text(encoding="utf-8")
    assert run.inputs() == INPUTS
    assert sum(line.startswith("  ") for line in text.splitlines()) == len(VIDEOS)
    write_json(path, INPUTS)  # as earlier versions wrote it
    run.hold(described(replace(DATABASE, videos=VIDEOS[::-1]), HASHES, FILES))
    path.write_text(text + " ", encoding="utf-8")
    run.hold(described(DATABASE, HASHES, FILES))
    path.write_text(text.replace("3.0", "3.5"), encoding="utf-8")
    with pytest.raises(RunError, match="another MOS for 1 video"):
        run.hold(described(DATABASE, HASHES, FILES))
    path.write_bytes(text.encode()[:-9])
    with pytest.raises((RunError, ValueError), match=r"inputs\.json: not JSON"):
        run.hold(described(DATABASE, HASHES, FILES))


def test_one_kind_of_identity_is_not_compared_with_the_other():
    sampled = {video: f"sampled:{found}" for video, found in HASHES.items()}
    assert told(hashes=sampled) == [
        "the files were identified by data.identity=content and are now by data.identity=sampled"
    ]
