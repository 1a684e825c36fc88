"""CLIP's answers: to changed frames and to feelings, with a toy network of random weights."""

from dataclasses import replace

import numpy as np
import pytest

from vqa.commands.study.figures.answers import objective, subjective
from vqa.runs.used_features import MARK
from vqa.video import VideoError

CHANGES = {"bright image block": "brightness", "noisy image block": "noise"}
FEELINGS = [f"{word} image block" for word in ("interesting", "exciting", "depressing", "fearful")]
ONLY = [f"features.openclip.descriptions={{feelings: [{', '.join(FEELINGS)}]}}"]


def test_answers_over_steps_of_change(material):
    (picture,) = objective(material, CHANGES, videos=2, frames=1, steps=1)
    rows = picture.rows
    assert list(rows["description"].unique()) == ["bright", "noisy"]
    assert list(rows["step"].unique()) == [-1, 0, 1]
    assert rows["video"].nunique() == 2
    _, _, bright, noisy = picture.figure.axes
    means = bright.lines[-1].get_ydata()
    assert means == pytest.approx(
        rows[rows["description"] == "bright"].groupby("step")["answer"].mean().to_numpy()
    )
    assert [axes.get_xticklabels()[0].get_text() for axes in (bright, noisy)] == ["−", "−"]
    assert picture.figure.get_suptitle() == MARK
    assert "RANDOM weights" in picture.notes[0]
    assert "53 descriptions" in picture.caption


def test_the_most_and_the_least_of_each_feeling(material):
    (picture,) = subjective(material, FEELINGS, ONLY, videos=5, frames=2)
    rows = picture.rows
    words = ("interesting", "exciting", "depressing", "fearful")
    assert list(rows["shown"]) == [f"{how} {word}" for word in words for how in ("most", "least")]
    assert rows[list(words)].sum(axis=1).to_numpy() == pytest.approx(np.ones(8))
    for word in words:
        most, least = (rows[rows["shown"] == f"{how} {word}"][word] for how in ("most", "least"))
        assert most.item() == rows[word].max()
        assert least.item() == rows[word].min()
    assert len(picture.figure.axes) == 16
    assert "Of 5 videos" in picture.caption


def test_files_that_the_user_names_are_shown_in_their_order(material, tmp_path):
    paths = [video.path for video in material.compose("data=demo_coding").database.videos[:3]]
    named = replace(material, videos=paths[::-1], databases=())
    (picture,) = subjective(named, FEELINGS, ONLY, frames=1)
    assert list(picture.rows["shown"]) == [path.name for path in paths[::-1]]
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"none")
    with pytest.raises(VideoError, match=r"broken\.mp4"):
        subjective(replace(named, videos=[broken]), FEELINGS, ONLY, frames=1)


def test_mistakes_are_one_line(material):
    with pytest.raises(ValueError, match=r"descriptions has no 'joyful image block': add it"):
        subjective(material, ["joyful image block"], videos=1)
    with pytest.raises(ValueError, match="changes=sharpness: expected one of brightness, contrast"):
        objective(material, {"sharp image block": "sharpness"})
    with pytest.raises(ValueError, match="no database of this study is present"):
        subjective(replace(material, databases=()), FEELINGS, ONLY)
