import shutil
from collections import Counter

import numpy as np
import pytest
import scipy.io

from tests.places import SHARED
from vqa.databases import livequalcomm
from vqa.databases.records import DatabaseError

REAL = SHARED / "labels"
MOS = {
    "Artifacts/0723_ManUnderTree_GS5_03_20150723_130016.yuv": 52.566,
    "Color/1019_FlyingKite3_LGG2_CAM00877.yuv": 30.25,
    "Focus/0911driving_note4_20150911_165933.yuv": 16.57,
    "Focus/0911Driving_GS6_20150911_165939.yuv": 73.64,
    "Focus/1019_FlyingKite_OppoFind7_VID20150508093000.yuv": 45.5,
}
DISTORTIONS = ["Artifacts", "Color", "Exposure", "Focus", "Sharpness", "Stabilization"]


def write_official(root, keys, mos, distortions=DISTORTIONS):
    folders, names = zip(*(key.split("/") for key in keys), strict=True)
    content = {
        "qualcommVideoData": {
            "vidNames": np.array(names, dtype=object)[:, None],
            "distortionType": np.uint8([DISTORTIONS.index(f) + 1 for f in folders])[:, None],
            "distortionNames": np.array(distortions, dtype=object)[:, None],
        },
        "qualcommSubjectiveData": {
            "unBiasedMOS": np.array(mos)[:, None],
            "biasedMOS": np.zeros((len(mos), 1)),
        },
    }
    scipy.io.savemat(root / "qualcommSubjectiveData.mat", content)


@pytest.fixture
def release(tmp_path):
    for key in MOS:
        (tmp_path / key).parent.mkdir(exist_ok=True)
        (tmp_path / key).touch()
    write_official(tmp_path, list(MOS), list(MOS.values()))
    return tmp_path


def check(database, release):
    assert database.name == "livequalcomm"
    assert database.mos_range == (0.0, 100.0)
    assert [(video.id, video.mos) for video in database.videos] == sorted(MOS.items())
    by_id = {video.id: video for video in database.videos}
    contents = [by_id[key].content for key in MOS]
    assert contents == [
        "0723_manundertree",
        "1019_flyingkite3",
        "0911driving",
        "0911driving",
        "1019_flyingkite",
    ]
    for key, video in by_id.items():
        assert video.path == release / key
        assert video.group == key.split("/")[0]
        assert (video.width, video.height, video.frame_rate_hz) == (1920, 1080, 30.0)


def test_official_release(release, caplog):
    check(livequalcomm.read(release), release)
    assert "lists 5 videos, the release 208" in caplog.text


def test_text_labels(release):
    (release / "qualcommSubjectiveData.mat").unlink()
    lines = [f"{key}, -1, -1, {mos}" for key, mos in MOS.items()]
    (release / "LIVE_Qualcomm.labels.txt").write_text("\n".join(lines), encoding="utf-8")
    check(livequalcomm.read(release), release)


def test_missing_videos(release):
    gone = "Color/1019_FlyingKite3_LGG2_CAM00877.yuv"
    (release / gone).unlink()
    with pytest.raises(DatabaseError, match=r"1 of 5 .*CAM00877.yuv.*incaptureDatabase"):
        livequalcomm.read(release)
    assert livequalcomm.read(release, missing="skip").skipped == (gone,)


def test_missing_root_and_labels(release):
    with pytest.raises(DatabaseError, match=r"not a folder.*incaptureDatabase"):
        livequalcomm.read(release / "nowhere")
    (release / "qualcommSubjectiveData.mat").unlink()
    with pytest.raises(DatabaseError, match=r"looked for qualcommSubjectiveData.mat, LIVE_Qualc"):
        livequalcomm.read(release)


KEY = "Focus/0911driving_note4_20150911_165933.yuv"


@pytest.mark.parametrize(
    ("keys", "mos", "message"),
    [
        ([KEY, KEY], [1.0, 2.0], "165933.yuv.*keep one row per video"),
        ([*MOS], [np.nan, 2.0, 3.0, 4.0, 5.0], "130016.yuv: nan"),
        ([*MOS], [1.0, 2.0, 3.0, 4.0, -5.0], "093000.yuv: -5.0"),
        ([*MOS], [1.0, 2.0], "of one length"),
        (["Focus/holiday.yuv", KEY], [1.0, 2.0], "'Focus/holiday.yuv' is not <Distortion>"),
    ],
)
def test_invalid_labels(release, keys, mos, message):
    write_official(release, keys, mos)
    with pytest.raises(DatabaseError, match=message):
        livequalcomm.read(release)


def test_mat_file_of_another_shape(release):
    write_official(release, list(MOS), list(MOS.values()), distortions=["Artifacts"])
    with pytest.raises(DatabaseError, match="download it again"):
        livequalcomm.read(release)
    scipy.io.savemat(release / "qualcommSubjectiveData.mat", {"mos": np.ones(3)})
    with pytest.raises(DatabaseError, match="no variable qualcommVideoData"):
        livequalcomm.read(release)


@pytest.mark.parametrize("labels", ["qualcommSubjectiveData.mat", "LIVE_Qualcomm.labels.txt"])
def test_real_label_files(tmp_path, labels):
    names = REAL / "LIVE_Qualcomm.labels.txt"
    if not names.is_file():
        pytest.skip("the published label tables are not here")
    for line in names.read_text(encoding="utf-8").splitlines():
        path = tmp_path / line.split(",")[0]
        path.parent.mkdir(exist_ok=True)
        path.touch()
    shutil.copy(REAL / labels, tmp_path)
    database = livequalcomm.read(tmp_path)
    mos = [video.mos for video in database.videos]
    assert len(database) == 208
    assert (min(mos), max(mos)) == pytest.approx((16.56, 73.64), abs=5e-3)
    assert sum(mos) / 208 == pytest.approx(50, abs=1e-6)
    contents = Counter(video.content for video in database.videos)
    assert Counter(contents.values()) == {4: 47, 3: 6, 2: 1}
    groups = Counter(video.group for video in database.videos)
    assert [groups[name] for name in DISTORTIONS] == [36, 35, 34, 34, 34, 35]


def test_both_real_label_files_agree(tmp_path):
    files = [REAL / "qualcommSubjectiveData.mat", REAL / "LIVE_Qualcomm.labels.txt"]
    if not all(path.is_file() for path in files):
        pytest.skip("the published label tables are not here")
    (tmp_path / "Focus").mkdir()
    (tmp_path / KEY).touch()
    first, second = (livequalcomm.read(tmp_path, missing="skip", labels=path) for path in files)
    assert first.skipped == second.skipped
    assert first.videos[0].mos == pytest.approx(second.videos[0].mos)
