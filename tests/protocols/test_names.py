import pytest

from vqa.protocols.names import match_names


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("3339962845.mp4", "3339962845.mp4"),
        ("3339962845", "3339962845.mp4"),
        ("3339962845_original_centercrop_960x540_8s.mp4", "3339962845.mp4"),
        ("KoNViD_1k_videos/3339962845_cut_centercrop_960x540_8s.mp4", "3339962845.mp4"),
        ("Vlog_720P-7b30_crf_10_ss_00_t_20.0.mp4", "Vlog_720P-7b30"),
        ("Vlog/720P/Vlog_720P-7b30.mkv", "Vlog_720P-7b30"),
        ("Test3/Talking_head/Test03_Talking_head_D10.avi", None),
        ("Test03_Talking_Head_D10", None),
        ("Video\\a001.MP4", "A001.mp4"),
        (" A001.mp4 ", "A001.mp4"),
        ("yfcc-batch1/747.mp4", "yfcc-batch1/747.mp4"),
        ("yfcc-batch1/747", "yfcc-batch1/747.mp4"),
        ("LSVQ/yfcc-batch1/747", "yfcc-batch1/747.mp4"),
    ],
)
def test_matching_names(name, ours):
    ours = ours or "Test3/Talking_head/Test03_Talking_Head_D10.avi"
    others = ["A002.mp4", "333996284.mp4", "Test4/City/Test04_City_D10.avi", "ia-batch1/747.mp4"]
    assert match_names([name], [*others, ours]) == {name: ours}


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("747.mp4", ["yfcc-batch1/747.mp4", "ia-batch1/747.mp4"]),
        ("clip.v1", ["clip.v2"]),
        ("Test1/City/1.avi", ["Test2/City/1.avi"]),
        ("City/1.avi", ["y/1.avi"]),
        ("", ["a.mp4"]),
        ("1_a.mp4", ["11_a.mp4", "a.mp4"]),
        ("a.MP4", ["a.mp4", "A.mp4"]),
    ],
)
def test_names_with_no_match_or_several(name, ids):
    assert match_names([name], ids) == {}


def test_the_identical_name_wins():
    ids = ["a.mp4", "a.avi", "x/a.mp4"]
    assert match_names(ids, ids) == {name: name for name in ids}
    assert match_names(["X/a.mp4"], ids) == {"X/a.mp4": "x/a.mp4"}
