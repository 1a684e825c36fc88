"""Figs. 1, 5 and 6 of the saliency study: which frames, channels and scales they show."""

import numpy as np
import pytest

from tests.commands.study.figures.conftest import TOY_CNN, TOY_SALIENCY
from vqa.commands.study.figures.saliency_overlays import overlays
from vqa.commands.study.figures.stage_maps import animations, strongest
from vqa.features.saliency import resized
from vqa.models.pretrained.classifier import Classifier
from vqa.reports.svg import to_svg
from vqa.video import read_frames

ABSENT = "TelevisionClip_1080P-68c6"


def test_the_sampled_frames_of_a_video_and_their_maps(make_material):
    (picture,) = overlays(make_material(), "youtube_ugc", ABSENT, overrides=TOY_SALIENCY)
    assert picture.rows[["video", "sampled_frame", "frame"]].values.tolist() == [
        ["clip0.mp4", 1, 29]
    ]
    assert picture.rows["mean_saliency"].between(0, 1).all()
    assert f"The paper shows {ABSENT}" in picture.notes[0]
    assert "RANDOM weights" in picture.notes[1]
    svg = to_svg(picture.figure)
    assert "Sampled frame 1" in svg
    assert "random weights" in svg
    assert picture.figure.get_size_inches()[0] == pytest.approx(7.2)


def test_a_named_video_needs_no_database(make_material, clips):
    material = make_material(databases=(), videos=[clips / "videos" / "clip1.mp4"])
    (picture,) = overlays(material, "youtube_ugc", ABSENT, overrides=TOY_SALIENCY)
    assert set(picture.rows["video"]) == {"clip1.mp4"}
    assert len(picture.notes) == 1
    with pytest.raises(ValueError, match=r"youtube_ugc is absent: expected its folder"):
        overlays(make_material(databases=()), "youtube_ugc", ABSENT, overrides=TOY_SALIENCY)


def test_a_file_that_is_no_video_gets_one_line(make_material, tmp_path):
    (tmp_path / "bad.mp4").write_bytes(b"none")
    with pytest.raises(ValueError, match=r"bad\.mp4: .*expected a video that can be decoded$"):
        overlays(make_material(videos=[tmp_path / "bad.mp4"]), "x", "y", overrides=TOY_SALIENCY)


def stages_of(path, index):
    network = Classifier("toy_classifier", "random", "cpu")
    return network.stages(network.images(resized(read_frames(path, [index]))))


def test_the_channel_with_the_highest_mean_is_shown(make_material, clips):
    (picture,) = strongest(make_material(), "youtube_ugc", ABSENT, overrides=TOY_SALIENCY + TOY_CNN)
    rows = picture.rows.set_index(["network", "stage"])
    for name, maps in stages_of(clips / "videos" / "clip0.mp4", 29).items():
        means = maps.mean((2, 3))[0]
        for network in ("toy_classifier (cnn)", "toy_classifier (saliency)"):
            row = rows.loc[(network, name)]
            assert row["channel"] == int(means.argmax()) + 1
            assert row["mean"] == pytest.approx(float(means.max()), rel=1e-4)
    assert "number 1 is shown" in " ".join(picture.notes)
    assert "random weights" in to_svg(picture.figure)
    assert len(picture.figure.axes) == 2 * 3 + 1


def test_channels_move_over_time_and_by_stage(make_material):
    made = animations(
        make_material(), "youtube_ugc", ABSENT, frames=3, overrides=TOY_SALIENCY + TOY_CNN
    )
    names = [picture.name for picture in made]
    assert len(set(names)) == 4
    assert [name.rpartition("_")[2] for name in names] == ["time", "stages"] * 2
    for picture, length in zip(made, (3, 2, 3, 2), strict=True):
        assert picture.figure is None
        assert len(picture.frames) == length
        assert len({frame.shape for frame in picture.frames}) == 1
        assert all(frame.dtype == np.uint8 for frame in picture.frames)
        assert any("RANDOM weights" in note for note in picture.notes)
    with pytest.raises(ValueError, match=r"stage=3: expected 1 to 2"):
        animations(
            make_material(), "youtube_ugc", ABSENT, stage=3, overrides=TOY_SALIENCY + TOY_CNN
        )
