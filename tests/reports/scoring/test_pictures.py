"""Pictures of an explanation: worst moments and maps over their frames."""

import io

import numpy as np
import pytest
from PIL import Image

from tests.clips import write_clip
from vqa.reports.scoring.pictures import maps_of, pictures
from vqa.reports.scoring.reasons import reasons

TOLD = {
    "causes": [
        {"kind": "noise", "effect": -0.4, "removed": 3.4, "text": "noise: ..."},
        {"kind": "motion", "effect": 0.1, "removed": 2.9, "text": "motion: ..."},
    ],
    "moments": [{"time_s": 0.1, "quality": 2.5}],
    "descriptions": [{"set": "objective", "text": "<b>", "change": -0.2}],
    "maps": [
        {
            "title": "local",
            "time_s": 0.3,
            "values": [[1.0, 3.0], [None, 2.0]],
            "region": "whole frame",
        }
    ],
    "remarks": [],
}


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    write_clip(path, frames=20)
    return str(path)


def opened(picture):
    return np.asarray(Image.open(io.BytesIO(picture.jpeg)).convert("RGB")).astype(float)


def test_moments_come_plain_and_maps_over_their_frames(clip):
    moment, drawn = pictures(clip, TOLD)
    assert (moment.title, moment.time_s) == ("quality 2.50", 0.1)
    assert drawn.title == "local: 1 (blue) to 3 (yellow)"
    (plain,) = pictures(clip, {**TOLD, "moments": [{"time_s": 0.3, "quality": 1}], "maps": []})
    before, after = opened(plain), opened(drawn)
    height, width = before.shape[0] // 2, before.shape[1] // 2
    apart = np.abs(after - before).mean(2)
    assert apart[height + 4 :, : width - 4].mean() < 6  # nothing is known there
    lowest, highest = after[: height - 4, : width - 4], after[: height - 4, width + 4 :]
    assert (lowest[..., 2] - lowest[..., 0]).mean() > 10  # blue
    assert (highest[..., 0] - highest[..., 2]).mean() > 10  # yellow


def test_a_video_that_is_gone_has_no_pictures(tmp_path):
    assert pictures(str(tmp_path / "gone.mp4"), TOLD) == []
    told = reasons(str(tmp_path / "gone.mp4"), TOLD, None)
    assert told["maps"] == []
    assert told["remarks"] == ["the maps have no pictures: the video cannot be read from here"]


def test_a_card_has_bars_as_long_as_their_effects(clip):
    told = reasons(clip, TOLD, None)
    assert [(one["value"], one["length"], one["lowers"]) for one in told["causes"]] == [
        ("-0.40", "100", True),
        ("+0.10", "25", False),
    ]
    assert told["maps"][0][0].startswith("data:image/jpeg;base64,")
    assert told["regions"] == [TOLD["maps"][0]["region"]]
    assert reasons(clip, None, None) is None


def test_the_main_cause_is_said_and_absent_from_older_rows():
    main = {"kind": "noise", "text": "main cause: noise"}
    told = {**TOLD, "maps": [], "remarks": ["a remark"]}
    found = reasons("gone.mp4", told | {"main_cause": main}, None)
    assert (found["main_cause"], found["remarks"]) == ("main cause: noise", ["a remark"])
    for absent in (told, told | {"main_cause": None}):
        found = reasons("gone.mp4", absent, None)
        assert (found["main_cause"], found["remarks"]) == ("", ["a remark"])


def test_a_constant_map_and_one_without_values(clip):
    for values, title in (([[2.0, 2.0]], "local: 2 everywhere"), ([[None, None]], "local")):
        (drawn,) = maps_of(clip, {**TOLD, "maps": [{**TOLD["maps"][0], "values": values}]})
        assert drawn.title == title
        assert opened(drawn).shape[2] == 3
