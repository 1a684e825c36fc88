import shutil

import pytest

from tests.places import SHARED
from vqa.databases import konvid
from vqa.databases.records import DatabaseError

REAL = SHARED
MOS = {"3339962845": 4.64, "8536919744": 1.22, "5319047612": 1.3469}
NAMES = {
    "3339962845": "3339962845.mp4",
    "8536919744": "8536919744_original_centercrop_960x540_8s.mp4",
    "5319047612": "5319047612_cut_centercrop_960x540_8s.mp4",
}


@pytest.fixture
def release(tmp_path):
    """The official layout, three videos, one under each naming scheme."""
    root = tmp_path / "KoNViD_1k"
    (root / "KoNViD_1k_videos").mkdir(parents=True)
    for name in NAMES.values():
        (root / "KoNViD_1k_videos" / name).touch()
    metadata = root / "KoNViD_1k_metadata"
    metadata.mkdir()
    rows = [f"{NAMES[key]},{key},{mos},0.7,114" for key, mos in MOS.items()]
    text = "\n".join(["file_name,flickr_id,MOS,SD,n", *rows])
    (metadata / "KoNViD_1k_attributes.csv").write_text(text + "\n", encoding="utf-8")
    return root


def check(database, release):
    assert database.name == "konvid"
    assert database.mos_range == (1.0, 5.0)
    assert {video.id: video.mos for video in database.videos} == {
        f"{key}.mp4": mos for key, mos in MOS.items()
    }
    assert [video.id for video in database.videos] == sorted(f"{key}.mp4" for key in MOS)
    for video in database.videos:
        assert video.path == release / "KoNViD_1k_videos" / NAMES[video.id.removesuffix(".mp4")]
        assert video.content_id == video.id


def test_official_release(release, caplog):
    database = konvid.read(release)
    check(database, release)
    assert [video.mos_std for video in database.videos] == [0.7] * 3
    assert "lists 3 videos, the release 1200" in caplog.text


@pytest.mark.parametrize(
    ("name", "header", "row"),
    [
        ("KoNViD_1k_mos.csv", "flickr_id,mos", "{key},{mos}"),
        (
            "KONVID_1K_metadata.csv",
            "flickr_id,mos,width,height,pixfmt,framerate,nb_frames,bitdepth,bitrate",
            "{key},{mos},960,540,yuv420p,29.97,240,8,704684",
        ),
        ("KoNViD.labels.txt", None, "KoNViD_1k_videos/{key}.mp4, 8.0, 29.97, {mos}"),
    ],
)
def test_other_label_files(release, name, header, row):
    shutil.rmtree(release / "KoNViD_1k_metadata")
    lines = [row.format(key=key, mos=mos) for key, mos in reversed(MOS.items())]
    (release / name).write_text("\n".join(filter(None, [header, *lines])), encoding="utf-8")
    check(konvid.read(release), release)


def test_labels_elsewhere_and_videos_without_folder(release, tmp_path):
    labels = release / "KoNViD_1k_metadata" / "KoNViD_1k_attributes.csv"
    database = konvid.read(release / "KoNViD_1k_videos", labels=labels)
    assert len(database) == 3
    assert all(video.path.is_file() for video in database.videos)


def test_the_short_name_wins_over_the_long_one(release):
    (release / "KoNViD_1k_videos" / "8536919744.mp4").touch()
    paths = {video.id: video.path.name for video in konvid.read(release).videos}
    assert paths["8536919744.mp4"] == "8536919744.mp4"


def test_missing_videos(release):
    (release / "KoNViD_1k_videos" / "3339962845.mp4").unlink()
    with pytest.raises(DatabaseError, match=r"1 of 3 .*3339962845.mp4.*database.mmsp-kn.de"):
        konvid.read(release)
    database = konvid.read(release, missing="skip")
    assert database.skipped == ("3339962845.mp4",)
    assert len(database) == 2


def test_missing_root_and_labels(release, tmp_path):
    with pytest.raises(DatabaseError, match=r"not a folder.*database.mmsp-kn.de"):
        konvid.read(tmp_path / "nowhere")
    shutil.rmtree(release / "KoNViD_1k_metadata")
    with pytest.raises(DatabaseError, match=r"KoNViD_1k_attributes.csv, KoNViD_1k_mos.csv, KONVID"):
        konvid.read(release)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1.mp4,3339962845,2.0,0.5,90", "3339962845.mp4.*keep one row per video"),
        ("a.mp4,12,NaN,0.5,90", "12.mp4: nan"),
        ("a.mp4,12,,0.5,90", "12.mp4: nan"),
        ("a.mp4,12,5.2,0.5,90", r"inside \[1.0, 5.0\] \(12.mp4: 5.2\)"),
        ("a.mp4,12,good,0.5,90", "mos of 12 is 'good'"),
        ("a.mp4,cat,2.0,0.5,90", "'cat' contains no Flickr id"),
    ],
)
def test_invalid_labels(release, row, message):
    table = release / "KoNViD_1k_metadata" / "KoNViD_1k_attributes.csv"
    table.write_text(table.read_text(encoding="utf-8") + row + "\n", encoding="utf-8")
    with pytest.raises(DatabaseError, match=message):
        konvid.read(release)


def test_labels_in_another_encoding(release):
    table = release / "KoNViD_1k_metadata" / "KoNViD_1k_attributes.csv"
    table.write_bytes(table.read_text(encoding="utf-8").encode("utf-16"))
    with pytest.raises(DatabaseError, match=r"KoNViD_1k_attributes.csv: not UTF-8 text"):
        konvid.read(release)


def test_real_label_table(tmp_path):
    labels = REAL / "labels" / "KONVID_1K_metadata.csv"
    if not labels.is_file():
        pytest.skip("the published label tables are not here")
    for line in labels.read_text(encoding="utf-8").splitlines()[1:]:
        (tmp_path / f"{line.split(',')[0]}.mp4").touch()
    database = konvid.read(tmp_path, labels=labels)
    mos = [video.mos for video in database.videos]
    assert len(database) == len({video.content_id for video in database.videos}) == 1200
    assert (min(mos), max(mos)) == (1.22, 4.64)
    assert sum(mos) / 1200 == pytest.approx(3.0295, abs=1e-4)
    assert {(video.width, video.height) for video in database.videos} == {(960, 540)}


def test_real_clips():
    root = REAL / "konvid-clips"
    if not root.is_dir():
        pytest.skip("the real KoNViD-1k clips are not here")
    database = konvid.read(root, missing="skip")
    assert len(database) == 8
    assert len(database.skipped) == 1192
