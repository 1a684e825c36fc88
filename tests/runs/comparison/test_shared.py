"""Runs that can be compared, and the errors of those that cannot."""

import pytest

from tests.runs.comparison.finished_runs import NAMES, VIDEOS, make
from vqa.protocols.splits import Split
from vqa.runs.comparison.shared import (
    ComparisonError,
    check_runs,
    distinct_labels,
    joined_scores,
    shared_splits,
)
from vqa.training.learners.base import Prediction


def test_only_splits_that_all_runs_have_are_shared(tmp_path, runs):
    more = make(tmp_path, "more", 0.3, count=5)
    names = ["split0", "split1", "split2"]
    assert [split.name for split in shared_splits([more, *runs])] == names
    other = make(tmp_path, "other splits", 0.2, seed=7)
    with pytest.raises(ComparisonError, match=r"share no split.*protocol=imported"):
        shared_splits([runs[0], other])


def test_scores_are_joined_by_split_and_video(tmp_path, runs):
    more = make(tmp_path, "more", 0.3, count=5)
    table = joined_scores([more, runs[0]], ["more", "good"], shared_splits(runs))
    assert len(table) == 72
    for label, run in (("more", more), ("good", runs[0])):
        stored = run.predictions().set_index(["split", "video"])["score"]
        joined = table.set_index(["split", "video"])[label]
        assert joined.equals(stored.reindex(joined.index).rename(label))


def test_runs_on_other_labels_are_refused(tmp_path, runs):
    relabelled = make(tmp_path, "relabelled", 0.2, mos=lambda video: video.mos / 2)
    with pytest.raises(ComparisonError, match="relabelled has other MOS than good for 72"):
        joined_scores([runs[0], relabelled], ["good", "relabelled"], runs[0].splits())


def test_runs_that_cannot_be_compared_are_refused(tmp_path, runs):
    check_runs(runs)
    with pytest.raises(ComparisonError, match="1 run given"):
        check_runs(runs[:1])
    elsewhere = make(tmp_path, "elsewhere", 0.2, database="another")
    with pytest.raises(ComparisonError, match=r"different databases \(another, fake\)"):
        check_runs([runs[0], elsewhere])
    unfinished = make(tmp_path, "unfinished", 0.2)
    unfinished.report.unlink()
    with pytest.raises(ComparisonError, match="not finished"):
        check_runs([runs[0], unfinished])


def test_two_runs_of_one_name_are_told_apart(tmp_path, runs):
    one, two = make(tmp_path / "x", "same", 0.2), make(tmp_path / "y", "same", 0.4)
    assert distinct_labels([one, two]) == ["same (1)", "same (2)"]
    assert distinct_labels(runs) == ["good", "bad", "fair"]
    two.folder.rename(tmp_path / "z")
    two.folder = tmp_path / "z"
    assert distinct_labels([one, two]) == ["same", "z"]


def elsewhere(folder, name, tested=NAMES, part="published"):
    """One model that was trained on another database and scored these videos."""
    run = make(folder, name, 0.5, count=0)
    run.begin(Split(part, ("other:v1",), (), tuple(tested), "video", 0))
    mos = {video.id: video.mos for video in VIDEOS}
    run.record(part, [Prediction(video, mos[video], mos[video] / 4.64) for video in tested])
    run.finish()
    return run


def test_a_model_that_was_trained_elsewhere_is_compared_on_the_test_parts_of_others(tmp_path, runs):
    published = elsewhere(tmp_path, "published")
    splits = shared_splits([published, *runs])
    assert splits == runs[0].splits()
    table = joined_scores([published, runs[0]], ["published", "good"], splits)
    assert len(table) == 72
    assert (table["published"] - table["mos"] / 4.64).abs().max() < 1e-12
    for one in splits:
        assert set(table[table["split"] == one.name]["video"]) == set(one.test)


def test_models_that_were_trained_elsewhere_share_the_videos_that_all_scored(tmp_path):
    one = elsewhere(tmp_path, "one", NAMES[:40])
    two = elsewhere(tmp_path, "two", NAMES[20:], part="split0")
    (common,) = shared_splits([one, two])
    assert common.test == tuple(NAMES[20:40])
    assert len(joined_scores([one, two], ["one", "two"], [common])) == 20
    with pytest.raises(ComparisonError, match="no video in common"):
        shared_splits([one, elsewhere(tmp_path, "three", NAMES[40:])])
