"""Pairs of the same video in two jobs."""

from vqa.commands.scoring.pairing import paired


def test_paths_below_the_common_folder_pair():
    before = ["/old/a/1.mp4", "/old/b/1.mp4", "/old/2.mp4"]
    after = ["/new/x265/b/1.mp4", "/new/x265/a/1.mp4", "/new/x265/2.mp4"]
    assert paired(before, after) == [
        ("/old/a/1.mp4", "/new/x265/a/1.mp4"),
        ("/old/b/1.mp4", "/new/x265/b/1.mp4"),
        ("/old/2.mp4", "/new/x265/2.mp4"),
    ]


def test_another_container_pairs():
    assert paired(["/old/a.b.mov"], ["/new/a.b.mp4"]) == [("/old/a.b.mov", "/new/a.b.mp4")]


def test_the_same_suffix_goes_first():
    before, after = ["/old/a.mp4", "/old/a.mkv"], ["/new/a.webm", "/new/a.mp4"]
    assert paired(before, after) == [("/old/a.mp4", "/new/a.mp4")]


def test_the_name_pairs_when_folders_differ():
    before, after = ["/old/day1/a.mp4", "/old/day2/b.mp4"], ["/new/a.mp4", "/new/b.webm"]
    assert [second for _, second in paired(before, after)] == after


def test_a_name_that_several_videos_share_pairs_none():
    """Not even if all but one of them are paired by more of their path."""
    before = ["/old/x/1.mp4", "/old/y/1.mp4"]
    after = ["/new/y/1.mp4", "/new/z/1.mp4"]
    assert paired(before, after) == [("/old/y/1.mp4", "/new/y/1.mp4")]


def test_nothing_in_common():
    assert paired(["/old/a.mp4"], ["/new/b.mp4"]) == []
    assert paired([], ["/new/b.mp4"]) == []


def test_absolute_and_relative_names_and_odd_ones():
    before, after = ["clips/a.mp4", "/b.mp4", "/"], ["a.mp4", "/new/b.mp4", "..", "/new/"]
    assert [first for first, _ in paired(before, after)] == ["clips/a.mp4", "/b.mp4"]


def test_ten_thousand_videos_pair_at_once():
    names = [f"season {n % 7}/{n}.mp4" for n in range(10_000)]
    before, after = [f"/old/{name}" for name in names], [f"/new/{name}" for name in names]
    assert paired(before, after) == list(zip(before, after, strict=True))
