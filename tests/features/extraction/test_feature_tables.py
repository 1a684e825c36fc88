"""Feature matrices: every layout of `.csv` and `.mat`, and clear errors for what cannot be used."""

import csv

import h5py
import numpy as np
import pytest
import scipy.io

from vqa.features.extraction.feature_tables import FeatureTable, FeatureTableError, read_features

IDS = ("b/2.mp4", "000123", "NA", "é.mp4")


def table(dtype=np.float64):
    features = np.random.default_rng(0).normal(size=(4, 3)).astype(dtype) * 1e3
    features[1, 2], features[2, 0], features[3, 1] = np.nan, np.inf, -np.inf
    return FeatureTable(IDS, features)


def write(path, table):
    """Write a table with its ids as `.csv` or `.mat` (version 5)."""
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(["video", *(f"f{number}" for number in range(table.features.shape[1]))])
            for name, row in zip(table.ids, table.features, strict=True):
                rows.writerow([name, *map(str, row)])
    else:
        names = np.array(table.ids, dtype=object)[:, None]
        scipy.io.savemat(path, {"feats_mat": table.features, "video_names": names})
    return path


def write_73(path, features, names=None):
    """Write like MATLAB: transposed, with each text as codes behind a reference."""
    with h5py.File(path, "w") as file:
        file["feats_mat"] = features.T
        if names is not None:
            cells = file.create_dataset("video_names", (1, len(names)), dtype=h5py.ref_dtype)
            for number, name in enumerate(names):
                codes = np.array([[ord(letter)] for letter in name], np.uint16)
                cells[0, number] = file.create_dataset(f"#refs#/{number}", data=codes).ref
    return path


@pytest.mark.parametrize("ending", [".csv", ".mat"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_table_is_read_as_it_was_written(ending, dtype, tmp_path):
    ours = table(dtype)
    back = read_features(write(tmp_path / f"features{ending}", ours))
    assert back.ids == IDS
    np.testing.assert_array_equal(back.features.astype(dtype), ours.features)


def test_selection_is_by_id():
    ours = table()
    chosen = ours.select(["NA", "b/2.mp4"])
    np.testing.assert_array_equal(chosen, ours.features[[2, 0]])
    with pytest.raises(FeatureTableError, match=r"1 of 2 videos have no features, .* c\.mp4"):
        ours.select(["NA", "c.mp4"])


def test_rows_of_a_csv_may_come_in_any_order(tmp_path):
    path = write(tmp_path / "a.csv", table())
    header, *rows = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text(header + "".join(rows[::-1]), encoding="utf-8")
    np.testing.assert_array_equal(read_features(path).select(IDS), table().features)


def test_matlab_infinities_gaps_and_whole_numbers_in_a_csv(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("video,a,b\nx,1,Inf\ny,,NaN\n")
    np.testing.assert_array_equal(read_features(path).features, [[1, np.inf], [np.nan, np.nan]])


def test_published_mat_without_names(tmp_path):
    path = tmp_path / "a.mat"
    numbers = np.array([[1, 2], [3, 4], [5, 250]])
    scipy.io.savemat(path, {"features": numbers.astype(np.uint8), "note": "no matrix"})
    back = read_features(path, IDS[:3])
    assert back.features.dtype == np.float64
    np.testing.assert_array_equal(back.select(["NA"]), [[5, 250]])
    with pytest.raises(FeatureTableError, match="the file names no videos: give their ids"):
        read_features(path)
    with pytest.raises(FeatureTableError, match="4 ids for 3 rows of features"):
        read_features(path, IDS)
    scipy.io.savemat(path, {"features": numbers, "mos": numbers[:, 0]})
    with pytest.raises(FeatureTableError, match="numbers: features, mos; expected feats_mat, or"):
        read_features(path, IDS[:3])
    scipy.io.savemat(path, {"feats_mat": numbers, "mos": numbers[:, 0]})
    np.testing.assert_array_equal(read_features(path, IDS[:3]).features, numbers)


def test_a_numpy_matrix_gets_its_names_from_outside(tmp_path):
    path, ours = tmp_path / "a.npy", table(np.float32)
    np.save(path, ours.features)
    back = read_features(path, IDS)
    assert (back.ids, back.features.dtype) == (IDS, np.float32)
    np.testing.assert_array_equal(back.features, ours.features)
    with pytest.raises(FeatureTableError, match=r"a\.npy: the file names no videos"):
        read_features(path)
    with pytest.raises(FeatureTableError, match="3 ids for 4 rows of features"):
        read_features(path, IDS[:3])


@pytest.mark.parametrize("ending", [".csv", ".npy"])
def test_rows_of_several_files_follow_each_other(ending, tmp_path):
    ours = table()
    paths = [tmp_path / f"{place}{ending}" for place in (1, 2)]
    for path, rows in zip(paths, (slice(0, 3), slice(3, 4)), strict=True):
        if ending == ".npy":
            np.save(path, ours.features[rows])
        else:
            write(path, FeatureTable(IDS[rows], ours.features[rows]))
    back = read_features(paths, IDS if ending == ".npy" else None)
    assert back.ids == IDS
    np.testing.assert_array_equal(back.features, ours.features)
    if ending == ".npy":
        np.save(paths[1], ours.features[3:, :2])
        message = r"as many features in each matrix, found \(3, 3\) in .*1\.npy, \(1, 2\) in"
        with pytest.raises(FeatureTableError, match=message):
            read_features(paths, IDS)


@pytest.mark.parametrize("names", [None, IDS])
def test_version_73(names, tmp_path):
    ours = table(np.float32)
    path = write_73(tmp_path / "a.mat", ours.features, names)
    back = read_features(path, IDS if names is None else None)
    assert back.ids == IDS
    np.testing.assert_array_equal(back.features, ours.features)


def test_two_sources_of_ids_are_refused(tmp_path):
    for ending in (".csv", ".mat"):
        path = write(tmp_path / f"a{ending}", table())
        with pytest.raises(FeatureTableError, match="has its own ids: give none"):
            read_features(path, IDS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,a\nx,1\n", "the header is name, a; expected video first"),
        ("video,a,b\nx,1,2\ny,3,red\n", "feature b of y is 'red', which is not a number"),
        ("video,a\nx,1\nx,2\n", "1 ids occur more than once, for example x"),
        ("video\nx\n", r"features are float64 \(1, 0\); expected floats"),
        ("video,a\n", r"features are .*\(0, 1\); expected floats"),
        ("", "no feature matrix can be read"),
        ("video,a\nx,1\ny,2,3\n", "2 features for y, 1 in the header; expected the same"),
        ("video,a\nx,1_000\n", "feature a of x is '1_000', which is not a number"),
        ("video,a\nx,1e400\n", "feature a of x is '1e400', which is not a number"),
        ("video,a\nx,٣\n", "feature a of x is '٣', which is not a number"),
        ("video,a\n,1\n", "line 2 names no video"),
        ('video,a\n"x,1\ny,2\n', "no feature matrix can be read"),
        ("video,a\nx,True\n", "feature a of x is 'True', which is not a number"),
    ],
)
def test_bad_csv(text, message, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(FeatureTableError, match=rf"a\.csv: .*{message}"):
        read_features(path)


def test_bad_files(tmp_path):
    with pytest.raises(FeatureTableError, match="no feature matrix can be read"):
        read_features(tmp_path / "absent.mat", IDS)
    (tmp_path / "text.mat").write_text("no matrix")
    with pytest.raises(FeatureTableError, match="no feature matrix can be read"):
        read_features(tmp_path / "text.mat", IDS)
    with pytest.raises(FeatureTableError, match=r"file that ends in \.csv, \.npy or \.mat"):
        read_features(tmp_path / "a.npz", IDS)
    np.save(tmp_path / "objects.npy", np.array([[{}]]), allow_pickle=True)
    with pytest.raises(FeatureTableError, match="no feature matrix can be read"):
        read_features(tmp_path / "objects.npy", IDS)
