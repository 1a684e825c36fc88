import random

import h5py
import numpy as np
import pytest
import scipy.io

from tests.protocols.databases import contents, published, sizes
from tests.protocols.mat_files import NAMES, permutations, write_simplevqa, write_vsfa
from vqa.protocols import SplitError, imported
from vqa.protocols.matrices import matrix_splits, read_matrix
from vqa.protocols.names import match_names

VSFA_SIZES = {
    "KoNViD-1kinfo.mat": (721, 239, 240),
    "CVD2014info.mat": (141, 47, 46),
    "LIVE-Qualcomminfo.mat": (125, 42, 41),
}


def literal_cut(order, names, references, test_ratio, val_ratio):
    """Cut position by position, as the training scripts of the releases do."""
    first = int(np.ceil((1 - test_ratio - val_ratio) * len(order)))
    second = int(np.ceil((1 - test_ratio) * len(order)))
    parts = {"train": set(), "val": set(), "test": set()}
    for name, reference in zip(names, references, strict=True):
        place = list(order).index(reference)
        parts["train" if place < first else "val" if place < second else "test"].add(name)
    return parts


def parts_of(split):
    return {part: set(getattr(split, part)) for part in ("train", "val", "test")}


def test_vsfa_matrix(tmp_path):
    orders = permutations(12, start=1)
    matrix = read_matrix(write_vsfa(tmp_path / "info.mat", orders, references=range(1, 21)))
    assert matrix.names == NAMES
    assert matrix.mos.tolist() == list(range(20))
    splits = matrix_splits(matrix)
    assert [split.name for split in splits] == [f"split{index}" for index in range(10)]
    for split, order in zip(splits, orders, strict=False):
        assert parts_of(split) == literal_cut(order, NAMES, range(1, 21), 0.2, 0.2)
    [split] = matrix_splits(matrix, count=1, test_fraction=0.2, val_fraction=0.0)
    assert sizes(split) == (16, 0, 4)
    assert parts_of(split) == literal_cut(orders[0], NAMES, range(1, 21), 0.2, 0.0)


def test_simplevqa_matrix_counts_from_zero_and_rounds_down(tmp_path):
    names = NAMES[:17]
    orders = permutations(3, start=0, length=17)
    matrix = read_matrix(write_simplevqa(tmp_path / "data.mat", orders, names))
    assert matrix.names == names
    assert matrix.mos.tolist() == list(range(17))
    splits = matrix_splits(matrix, val_fraction=0.0)
    assert len(splits) == 3
    for split, order in zip(splits, orders, strict=True):
        cut = int(17 * 0.8)
        assert parts_of(split) == {
            "train": {names[place] for place in order[:cut]},
            "val": set(),
            "test": {names[place] for place in order[cut:]},
        }


def test_references_keep_their_videos_together(tmp_path):
    """The matrix permutes ten references of two videos each, not videos."""
    references = [1 + number for _ in "ab" for number in range(10)]
    orders = permutations(2, start=1, length=10)
    path = write_vsfa(tmp_path / "info.mat", orders, references=references)
    for split, order in zip(matrix_splits(read_matrix(path)), orders, strict=True):
        assert parts_of(split) == literal_cut(order, NAMES, references, 0.2, 0.2)
        scenes = [{name[-5] for name in getattr(split, part)} for part in parts_of(split)]
        assert sum(map(len, scenes)) == 10


def test_gstvqa_shuffles_the_first_permutation_repeatedly(tmp_path):
    orders = permutations(2, start=1)
    matrix = read_matrix(write_vsfa(tmp_path / "info.mat", orders, references=range(1, 21)))
    splits = matrix_splits(matrix, val_fraction=0.0, reshuffle_seed=1)
    assert len(splits) == 10
    # The script seeds Python's global generator and shuffles an array in place.
    index = orders[0].astype(float)
    state = random.getstate()
    random.seed(1)
    try:
        for split in splits:
            random.shuffle(index)
            assert parts_of(split) == literal_cut(index, NAMES, range(1, 21), 0.2, 0.0)
    finally:
        random.setstate(state)


@pytest.mark.parametrize("name", list(VSFA_SIZES))
def test_published_splits_have_the_sizes_of_their_papers(name):
    matrix = read_matrix(published(name))
    splits = matrix_splits(matrix)
    assert {sizes(split) for split in splits} == {VSFA_SIZES[name]}
    with h5py.File(matrix.path) as file:
        index, references = file["index"][:, 4], file["ref_ids"][0]
    assert parts_of(splits[4]) == literal_cut(index, matrix.names, references, 0.2, 0.2)
    assert len({split.test for split in matrix_splits(matrix, count=1000)}) == 1000


@pytest.mark.parametrize(
    ("name", "fixture", "tolerance"),
    [
        # Copies of KoNViD-1k's MOS are rounded to four decimals.
        ("KoNViD-1kinfo.mat", "real_konvid", 6e-5),
        ("CVD2014info.mat", "real_cvd2014", 1e-9),
        ("LIVE-Qualcomminfo.mat", "real_livequalcomm", 1e-7),
    ],
)
def test_published_names_and_mos_match_ours(name, fixture, tolerance, request):
    """A wrong join, for example by row, would pair different MOS."""
    matrix = read_matrix(published(name))
    database = request.getfixturevalue(fixture)
    ours = {video.id: video.mos for video in database.videos}
    meant = match_names(matrix.names, ours)
    assert len(set(meant.values())) == len(matrix.names) == len(database)
    joined = [ours[meant[key]] for key in matrix.names]
    np.testing.assert_allclose(joined, matrix.mos, atol=tolerance)


def test_published_konvid_splits_are_imported_whole(real_konvid, caplog):
    splits = imported(real_konvid, published("KoNViD-1kinfo.mat"))
    assert [sizes(split) for split in splits] == [(721, 239, 240)] * 10
    assert all(real_konvid.select(split.train + split.test) for split in splits)
    assert not caplog.records


@pytest.mark.parametrize(
    ("name", "fixture", "leaked"),
    [
        ("CVD2014info.mat", "real_cvd2014", "460 of 460"),
        ("LIVE-Qualcomminfo.mat", "real_livequalcomm", "400 of 410"),
    ],
)
def test_published_splits_by_video_are_refused_by_default(name, fixture, leaked, request, caplog):
    database, path = request.getfixturevalue(fixture), published(name)
    with pytest.raises(SplitError, match=f"{leaked} test videos show a scene .*group_by=video"):
        imported(database, path)
    splits = imported(database, path, group_by="video")
    assert {split.group_by for split in splits} == {"video"}
    assert f"{leaked} test videos show a scene of the training part" in caplog.text
    assert all(contents(database, s.test) & contents(database, s.train) for s in splits)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"test_fraction": 0}, "test_fraction=0, val_fraction=0.2: expected shares"),
        ({"test_fraction": 0.8}, "test_fraction=0.8, val_fraction=0.2: expected shares"),
        ({"val_fraction": -0.1}, "val_fraction=-0.1: expected shares"),
        ({"count": 4}, "count=4: expected 1 to 3"),
        ({"count": 0}, "count=0: expected 1 to 3"),
        ({"count": 0, "reshuffle_seed": 1}, "count=0: expected"),
    ],
)
def test_invalid_options(tmp_path, options, message):
    matrix = read_matrix(write_vsfa(tmp_path / "info.mat", permutations(3, start=1)))
    with pytest.raises(SplitError, match=message):
        matrix_splits(matrix, **options)


def test_invalid_files(tmp_path):
    path = tmp_path / "info.mat"
    with pytest.raises(SplitError, match=r"info.mat: not a published index matrix"):
        read_matrix(path)
    path.write_bytes(b"no MATLAB file at all" * 20)
    with pytest.raises(SplitError, match=r"info.mat: not a published index matrix"):
        read_matrix(path)
    scipy.io.savemat(path, {"index": permutations(2, 0)})
    with pytest.raises(SplitError, match=r"video_names.*expected a MATLAB file with index"):
        read_matrix(path)
    write_vsfa(path, permutations(2, 1), scores=np.zeros((1, 3)))
    with pytest.raises(SplitError, match="20 names, 3 scores and 20 references"):
        read_matrix(path)
    write_vsfa(path, permutations(2, 1, length=19))
    with pytest.raises(SplitError, match=r"index is 2 x 19 .* not permutations of the 20"):
        read_matrix(path)
    orders = permutations(2, 1)
    orders[1, 0] = orders[1, 1]
    write_vsfa(path, orders)
    with pytest.raises(SplitError, match=r"index is 2 x 20 .* not permutations of the 20"):
        read_matrix(path)
