"""`vqa extract draw=`: the picture, what is printed, and one line for every mistake."""

import pytest
from PIL import Image

from tests.clips import write_clip
from tests.commands.calling import Failed, call
from vqa.commands.draw import drawable

TOY_CLIP = (
    "features=openclip",
    "features.openclip.architecture=toy",
    "features.openclip.weights=random",
    "features.openclip.device=cpu",
)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("clip") / "a clip.mp4", 50)


@pytest.fixture
def extract(monkeypatch, tmp_path):
    """Run the command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *overrides: call("extract", tmp_path, *overrides)


def test_the_command_draws_the_maps_of_clip(extract, clip, tmp_path, capsys):
    extract(
        *TOY_CLIP, f"draw='{clip}'", "output=seen.png", "frame=1.2s", "descriptions=[bright,noisy]"
    )
    assert capsys.readouterr().out.splitlines() == [
        "NOTE: openclip has RANDOM weights (features.openclip.weights=random): its maps say "
        "nothing about quality.",
        "a clip.mp4, frame 36 at 1.20 s: 2 of 53 maps, as selected",
        "written: seen.png",
    ]
    with Image.open(tmp_path / "seen.png") as picture:
        assert picture.width > 1000
    assert [path.name for path in tmp_path.iterdir()] == ["seen.png"]


def test_by_default_the_middle_frame_is_drawn(extract, clip, tmp_path, capsys):
    extract(*TOY_CLIP, f"draw='{clip}'")
    assert "frame 25 at 0.83 s: 6 of 53 maps, the highest by mean" in capsys.readouterr().out
    assert (tmp_path / "maps.png").is_file()


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["descriptions=[brigth]"], "error: no map is called 'brigth'; similar ones are: bright i"),
        (["frame=1000"], "error: frame=1000 is beyond the end"),
        (["draw=/none.mp4"], r"error: /none\.mp4: no such file"),
        (["draw=/none.yuv", "raw.size=large"], "error: raw.size=large: expected WIDTHxHEIGHT"),
    ],
)
def test_mistakes_get_one_clear_line(extract, clip, overrides, message):
    with pytest.raises(Failed, match=message):
        extract(*TOY_CLIP, f"draw='{clip}'", *overrides)


def test_features_without_maps_get_the_names_of_those_with_maps(extract, clip):
    with pytest.raises(
        Failed, match=r"error: .* multiscale have no maps to draw; use .*features=openclip"
    ):
        extract("features=multiscale", f"draw='{clip}'")


def test_drawable_features_are_found_by_their_class():
    found = drawable()
    assert {"openclip", "saliency", "vsfacnn_saliency", "vgg16", "resnet50"} <= set(found)
    assert not {"multiscale", "none", "nss", "external"} & set(found)
