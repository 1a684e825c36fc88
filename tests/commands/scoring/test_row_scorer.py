"""The callable for other frameworks: rows of paths, pickled without its model."""

import pickle

import pytest

import vqa
from vqa.commands.scoring.tables import schema


def test_rows_of_paths_and_of_rows(own, tmp_path):
    video = own / "videos" / "clip0.mp4"
    scorer = pickle.loads(pickle.dumps(vqa.Scorer(own / "run", device="cpu")))
    row = scorer(video)
    assert list(row) == schema().names
    assert row["score"] == vqa.load(own / "run")(video).value
    assert len(row["times_s"]) == row["frames"]
    for name in ("item", "path", "video"):
        assert scorer({name: str(video), "id": 7}) == {name: str(video), "id": 7, **row}
    again = pickle.loads(pickle.dumps(scorer))
    assert again._scorer is None
    assert again(str(video)) == row


def test_a_bad_file_is_a_row(own, tmp_path):
    (tmp_path / "bad.mp4").write_bytes(b"no video")
    scorer = vqa.Scorer(own / "run")
    for name in ("bad.mp4", "gone.mp4"):
        row = scorer(tmp_path / name)
        assert row["score"] is None
        assert row["error"]
    with pytest.raises(ValueError, match="found the columns id"):
        scorer({"id": 1})
