"""What a run has seen: sizes, rates and features outside it are said, in a few words."""

import csv
import json

import numpy as np
import pytest

from tests.places import SHARED
from vqa.features.nss.names import FAMILIES
from vqa.runs.seen import Seen, seen_in


@pytest.fixture
def seen():
    features = np.random.default_rng(0).normal(size=(400, 50))
    sizes = [(960, 540), (540, 960), (1920, 1080)] * 133 + [(float("nan"), 1)]
    return seen_in(sizes, [23.976, 29.97] * 200, features)


def test_ordinary_videos_get_no_remark(seen):
    assert seen.remark(1280, 720, 25.0, np.zeros(50)) == ""
    assert seen.remark(1280, 720, 30.0, np.zeros(50)) == ""  # as good as 29.97
    assert seen.remark(1280, 720, 25.0, None) == ""
    assert seen.remark(1280, 720, 25.0, np.zeros(3)) == ""  # of other features


def test_what_was_never_seen_is_named_with_what_was(seen):
    found = seen.remark(3840, 2160, 60000 / 1001, np.full(50, 9.0))
    start, sep, features = found.partition(", 50 of 50 features (up to ")
    assert start == ("outside training: 3840x2160 (540 to 1080 p), 59.94 Hz (23.98 to 29.97 Hz)")
    assert sep
    assert 0 < int(features.removesuffix(")")) < 10
    one_size = Seen((240, 240), (25, 25))
    assert one_size.remark(960, 540, 29.97, None) == (
        "outside training: 960x540 (240 p), 29.97 Hz (25 Hz)"
    )
    assert seen.remark(320, 240, 25.0, np.zeros(50)) == "outside training: 320x240 (540 to 1080 p)"


def test_the_family_of_most_features_outside_is_named(seen):
    families = ["luma"] * 30 + ["colour"] * 20
    video = np.where(np.arange(50) < 35, 9.0, 0.0)
    assert seen.remark(960, 540, 25.0, video, families).endswith("), mostly luma")
    video = np.where(np.arange(50) % 5 < 2, 0.0, 9.0)  # 18 of luma, 12 of colour
    assert seen.remark(960, 540, 25.0, video, families).endswith("), mostly luma")
    video[:18] = 0.0
    assert seen.remark(960, 540, 25.0, video, families).endswith("), mostly colour")
    video[:30] = np.where(np.arange(30) < 12, 9.0, 0.0)  # half of each
    assert seen.remark(960, 540, 25.0, video, families).endswith(")")
    assert seen.remark(960, 540, 25.0, video, ["luma"]).endswith(")")  # of other features
    assert {family: FAMILIES.count(family) for family in dict.fromkeys(FAMILIES)} == {
        "luma": 272, "colour": 408, "motion": 1156,
    }  # fmt: skip


@pytest.mark.parametrize("count", [40, 400])
def test_few_videos_like_those_in_training_are_noted(count):
    """Correlated features of heavy tails, as statistics of real videos are; 20 trainings."""
    rng = np.random.default_rng(1)
    noted = []
    for _ in range(20):
        strength = rng.standard_t(3, size=(count + 200, 1))
        features = strength * rng.uniform(0, 1, 300) + rng.standard_t(3, size=(count + 200, 300))
        seen = seen_in([(1, 1)] * count, [25.0] * count, features[:count])
        noted += [bool(seen.remark(1, 1, 25.0, row)) for row in features[count:]]
    assert 0.01 < np.mean(noted) < 0.06


def test_too_few_training_videos_tell_nothing_about_features():
    features = np.random.default_rng(1).normal(size=(19, 5))
    assert seen_in([(1, 1)] * 18, [25.0] * 18, features[:18]).usual == 1.0
    assert seen_in([(1, 1)] * 19, [25.0] * 19, features).usual < 1.0


def test_values_that_are_not_finite_are_ordinary():
    features = np.random.default_rng(1).normal(size=(50, 3))
    features[:, 0] = np.nan
    features[3, 1] = np.inf
    seen = seen_in([(1, 1)] * 50, [25.0] * 50, features)
    assert np.isfinite([seen.low, seen.high]).all()
    assert seen.remark(1, 1, 25.0, np.array([np.nan, 0.0, 0.0])) == ""


def test_without_features_and_facts():
    seen = seen_in([(float("nan"), float("nan"))], [float("nan")], ())
    assert seen.remark(1, 1, 1.0, np.zeros(3)) == ""


def test_it_is_stored_as_plain_values(seen):
    again = Seen.from_json(json.loads(json.dumps(seen.as_json())))
    assert again.sides_px == (540, 1080)
    np.testing.assert_allclose(again.low, seen.low, rtol=1e-3)
    with pytest.raises(ValueError, match="expected pairs"):
        Seen.from_json({**seen.as_json(), "low": [1.0]})


MATRICES = SHARED / "nss-mos"


@pytest.mark.skipif(not MATRICES.is_dir(), reason="the authors' statistics are not there")
def test_real_videos_are_noted_as_often_as_said():
    """About 5 % of held-out videos of YouTube-UGC, and many of them to a model of KoNViD-1k."""
    with (MATRICES / "youtube_ugc.csv").open(encoding="utf-8", newline="") as file:
        sizes = [(float(row["width"]), float(row["height"])) for row in csv.DictReader(file)]
    ugc = np.load(MATRICES / "youtube_ugc_nss.npy").astype(np.float64)
    konvid = np.load(MATRICES / "konvid_nss.npy").astype(np.float64)

    def noted(seen, features):
        return np.mean([bool(seen.remark(640, 360, 30.0, row)) for row in features])

    shares = []
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(ugc))
        train, test = order[:831], order[831:]
        seen = seen_in([sizes[one] for one in train], [30.0] * 831, ugc[train])
        shares.append(noted(seen, ugc[test]))
    assert 0.03 < np.mean(shares) < 0.08
    other = seen_in([(640, 360)] * len(konvid), [30.0] * len(konvid), konvid)
    assert 0.25 < noted(other, ugc) < 0.45
