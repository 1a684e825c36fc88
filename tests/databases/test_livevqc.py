import shutil

import numpy as np
import pytest
import scipy.io

from tests.places import SHARED
from vqa.databases import livevqc
from vqa.databases.records import DatabaseError

REAL = SHARED / "labels" / "LIVE_VQC_metadata.csv"
MOS = {"A001.mp4": 80.232, "A002.mp4": 57.3005, "B017.mp4": 6.2237}


def write_mat(path, names, mos):
    cells = np.empty((len(names), 1), dtype=object)
    cells[:, 0] = names
    scipy.io.savemat(path, {"video_list": cells, "mos": np.array(mos)[:, None]})


@pytest.fixture
def release(tmp_path):
    (tmp_path / "Video").mkdir()
    for name in MOS:
        (tmp_path / "Video" / name).touch()
    write_mat(tmp_path / "data.mat", list(reversed(MOS)), list(reversed(MOS.values())))
    return tmp_path


def check(database, release):
    assert database.name == "livevqc"
    assert database.mos_range == (0.0, 100.0)
    assert [(video.id, video.mos) for video in database.videos] == sorted(MOS.items())
    assert all(video.path == release / "Video" / video.id for video in database.videos)


def test_official_release(release, caplog):
    check(livevqc.read(release), release)
    assert "lists 3 videos, the release 585" in caplog.text


def test_metadata_table(release):
    (release / "data.mat").unlink()
    header = "File,MOS,width,height,pixfmt,framerate,nb_frames,bitdepth,bitrate\n"
    rows = [f"{key},{mos},404,720,yuv420p,29.97,301,8,1000\n" for key, mos in MOS.items()]
    (release / "LIVE_VQC_metadata.csv").write_text(header + "".join(rows), encoding="utf-8")
    database = livevqc.read(release)
    check(database, release)
    video = database.videos[0]
    assert (video.width, video.height) == (404, 720)
    assert (video.frame_rate_hz, video.frames) == (29.97, 301)


def test_text_labels(release):
    (release / "data.mat").unlink()
    lines = [f"Video/{key}, 10.0, -1, {mos}" for key, mos in MOS.items()]
    (release / "LIVE_VQC.labels.txt").write_text("\n".join(lines), encoding="utf-8")
    database = livevqc.read(release)
    check(database, release)
    assert database.videos[0].frame_rate_hz is None


def test_missing_videos(release):
    (release / "Video" / "A001.mp4").unlink()
    with pytest.raises(DatabaseError, match=r"1 of 3 .*A001.mp4.*LIVEVQC"):
        livevqc.read(release)
    assert livevqc.read(release, missing="skip").skipped == ("A001.mp4",)


def test_missing_root_and_labels(release):
    with pytest.raises(DatabaseError, match=r"not a folder.*LIVEVQC"):
        livevqc.read(release / "nowhere")
    (release / "data.mat").unlink()
    with pytest.raises(DatabaseError, match=r"looked for data.mat, LIVE_VQC_metadata.csv"):
        livevqc.read(release)


@pytest.mark.parametrize(
    ("names", "mos", "message"),
    [
        (["A001.mp4", "A001.mp4"], [1.0, 2.0], "A001.mp4.*keep one row per video"),
        (["A001.mp4", "A002.mp4"], [1.0, np.nan], "A002.mp4: nan"),
        (["A001.mp4", "A002.mp4"], [1.0, 100.5], "A002.mp4: 100.5"),
        (["A001.mp4", "A002.mp4"], [1.0], "2 names in video_list, 1 values in mos"),
    ],
)
def test_invalid_labels(release, names, mos, message):
    write_mat(release / "data.mat", names, mos)
    with pytest.raises(DatabaseError, match=message):
        livevqc.read(release)


def test_damaged_mat_file(release):
    whole = (release / "data.mat").read_bytes()
    for content in (b"", b"no MATLAB file at all" * 20, whole[: len(whole) // 2]):
        (release / "data.mat").write_bytes(content)
        with pytest.raises(DatabaseError, match=r"data.mat: not readable as a MATLAB file"):
            livevqc.read(release)


def test_mat_file_of_something_else(release):
    scipy.io.savemat(release / "data.mat", {"scores": np.ones(3)})
    with pytest.raises(DatabaseError, match="no variable video_list, mos; found scores"):
        livevqc.read(release)


def test_real_label_table(release):
    if not REAL.is_file():
        pytest.skip("the published label tables are not here")
    shutil.copy(REAL, release)
    (release / "data.mat").unlink()
    for line in REAL.read_text(encoding="utf-8").splitlines()[1:]:
        (release / "Video" / line.split(",")[0]).touch()
    database = livevqc.read(release)
    mos = [video.mos for video in database.videos]
    assert len(database) == 585
    assert (min(mos), max(mos)) == pytest.approx((6.2237, 94.2865), abs=1e-4)
    assert sum(mos) / 585 == pytest.approx(63.291, abs=1e-3)
    sizes = {(video.width, video.height) for video in database.videos}
    assert len(sizes) == 18
