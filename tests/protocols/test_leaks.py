import json
import logging
from dataclasses import replace

import pytest

from tests.protocols.databases import CVD, KONVID, QUALCOMM, contents, make_database
from vqa.protocols import full, holdout, kfold, leak_report, repeated
from vqa.protocols.leaks import straddling
from vqa.protocols.splits import Split


def literal_leaks(database, split):
    """Count test videos by comparing each with every video seen in training."""
    seen = database.select((*split.train, *split.val))
    return sum(
        any(other.content_id == video.content_id for other in seen)
        for video in database.select(split.test)
    )


@pytest.mark.parametrize("database", [CVD, QUALCOMM])
def test_actual_leaks_are_those_of_a_literal_count(database):
    splits = repeated(database, count=4, val_fraction=0.2, group_by="video", seed=3)
    report = leak_report(database, splits)
    counts = [literal_leaks(database, split) for split in splits]
    assert [row["leaked"] for row in report["splits"]] == counts
    assert report["leaked"] == sum(counts) > 0
    assert report["test"] == sum(len(split.test) for split in splits)


def test_naive_leaks_are_those_of_the_split_by_video_with_the_same_seed():
    """A split by video is its own naive split."""
    for protocol in (repeated, kfold):
        for seed in (0, 7):
            splits = repeated(QUALCOMM, group_by="video", seed=seed)
            report = leak_report(QUALCOMM, splits)
            assert report["leaked_by_video"] == report["leaked"]
            honest = protocol(QUALCOMM, seed=seed)
            report = leak_report(QUALCOMM, honest)
            assert report["leaked"] == 0
            assert 0.9 * report["test"] < report["leaked_by_video"] <= report["test"]


def test_the_naive_split_deals_the_same_videos_in_the_same_sizes():
    database = make_database([2] * 20)
    [split] = holdout(database, seed=5, val_fraction=0.25)
    [naive] = repeated(database, count=1, seed=5, val_fraction=0.25, group_by="video")
    assert len(naive.test) == len(split.test)
    [row] = leak_report(database, [split])["splits"]
    assert row["leaked_by_video"] == literal_leaks(database, naive) > 0
    # A split of some videos is compared with a naive split of the same videos.
    some = replace(split, train=split.train[:1], val=(), test=split.test[:1])
    [row] = leak_report(database, [some])["splits"]
    assert (row["test"], row["leaked"], row["leaked_by_video"]) == (1, 0, 0)


def test_validation_videos_count_as_seen():
    database = make_database([2, 2])
    a, b, c, d = (video.id for video in database.videos)
    report = leak_report(database, [Split("split0", (c, d), (a,), (b,), "video", 0)])
    assert report["leaked"] == 1


def test_report_is_plain_and_counts_contents():
    report = leak_report(make_database([3, 2, 1]), full(make_database([3, 2, 1])))
    assert json.loads(json.dumps(report)) == {
        "contents": 3,
        "repeated_contents": 2,
        "test": 0,
        "leaked": 0,
        "leaked_by_video": 0,
        "splits": [{"split": "split0", "test": 0, "leaked": 0, "leaked_by_video": 0}],
        "twins": {"files": 0, "videos": 0, "leaked": {}},
    }
    report = leak_report(KONVID, repeated(KONVID))
    assert (report["repeated_contents"], report["leaked_by_video"]) == (0, 0)


def test_by_video_reports_how_many_test_videos_share_a_content(caplog):
    [split] = holdout(CVD, group_by="video")
    assert len(split.test) == 47
    shared = literal_leaks(CVD, split)
    assert shared > 40
    assert f"toy: {shared} of 47 test videos share a content with the training part" in caplog.text


def test_by_content_reports_the_leaks_of_a_split_by_video(caplog):
    caplog.set_level(logging.INFO)
    splits = repeated(QUALCOMM, count=3)
    report = leak_report(QUALCOMM, splits)
    [record] = caplog.records
    assert record.levelno == logging.INFO
    assert (
        f"toy: a split by video would have leaked {report['leaked_by_video']} of {report['test']} "
        "test videos (3 splits by content: none)"
    ) in record.getMessage()


def test_nothing_is_reported_if_no_content_repeats(caplog):
    caplog.set_level(logging.INFO)
    repeated(KONVID, group_by="video")
    kfold(KONVID, rounds=1)
    assert not caplog.records


def test_figures_of_the_documentation(real_cvd2014, real_livequalcomm):
    """By video, training sees all test scenes of CVD2014 and nearly all of LIVE-Qualcomm."""
    for database, figures in ((real_cvd2014, (477, 477)), (real_livequalcomm, (413, 421))):
        report = leak_report(database, repeated(database))
        assert report["leaked"] == 0
        assert (report["leaked_by_video"], report["test"]) == figures


def test_contents_in_two_parts_are_found():
    database = make_database([2, 2, 2, 1])
    a, b, c, d, e, f, g = (video.id for video in database.videos)
    split = Split("split0", (a, c), (b, g), (d, e, f), "video", 0)
    assert straddling(database, split) == ["scene0", "scene1"]
    assert contents(database, [a, b]) == {"scene0"}
    for honest in repeated(database, count=3):
        assert straddling(database, honest) == []
