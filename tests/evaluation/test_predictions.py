"""Tables of predictions: written and read back, from others, and refused."""

import pandas as pd
import pytest

from tests import run_folders
from vqa.evaluation.predictions import read_predictions


def test_predictions_come_back_as_written(tmp_path):
    predictions = run_folders.predictions()
    run_folders.minimal(tmp_path, predictions)
    pd.testing.assert_frame_equal(
        read_predictions(tmp_path / "predictions.csv"), predictions, check_dtype=False
    )


def test_predictions_of_others_need_only_mos_and_score(tmp_path):
    path = tmp_path / "theirs.csv"
    path.write_text("\ufeffmos, score,extra\n1.5,10,x\n2.5,30,y\n", encoding="utf-8")
    table = read_predictions(path)
    assert table.to_dict("list") == {
        "split": ["all", "all"],
        "video": ["row 1", "row 2"],
        "mos": [1.5, 2.5],
        "score": [10.0, 30.0],
    }


def test_names_stay_text(tmp_path):
    path = tmp_path / "theirs.csv"
    path.write_text("split,video,mos,score\n01,007,1,2\n01,NA,2,3\n")
    table = read_predictions(path)
    assert table["video"].tolist() == ["007", "NA"]
    assert table["split"].tolist() == ["01", "01"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a readable CSV"),
        ("mos,score\n", "have no rows"),
        ("MOS,pred\n1,2\n", "no column mos and score; expected mos,score.*found MOS, pred"),
        (
            "mos,score\n1,2\n2,abc\n",
            "1 cells of score are not finite numbers, first 'abc' in line 3",
        ),
        ("mos,score\n1,2\n,3\n", "first '' in line 3"),
        ("mos,score\n1,inf\n", "first 'inf' in line 2"),
        ("mos,score\n1,2,3\n4,5,6\n", "more cells than the header"),
        ("mos,score\n1,1e308\n", "first '1e308' in line 2"),
        ("mos,score,mos\n1,2,3\n", "column mos appears twice"),
        ("mos, mos,score\n1,2,3\n", "column mos appears twice"),
        ("split,mos,score\n,1,2\n", "empty split or video name"),
        ("video,mos,score\n,1,2\n", "empty split or video name"),
        ('mos,score\n"1,2\n3,4\n', "not a readable CSV"),
        ("mos;score\n1;2\n", "no column mos and score; .*found mos;score"),
        ("mos,score\n1,1_000\n", "first '1_000' in line 2"),
        ("video,mos,score\na,1,2\na,2,3\n", "1 videos are predicted more than once"),
    ],
)
def test_bad_prediction_files_say_what_is_wrong(tmp_path, text, message):
    path = tmp_path / "theirs.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as error:
        read_predictions(path)
    assert "theirs.csv" in str(error.value)


def test_missing_prediction_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"absent\.csv: no such predictions file"):
        read_predictions(tmp_path / "absent.csv")
