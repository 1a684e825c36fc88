"""`vqa pack` to a stand-in of the Hugging Face Hub, and scoring with what is there."""

import pytest

import vqa
from tests.commands.calling import run
from tests.hub_stand_in import point_to, serving
from vqa.cli import main
from vqa.commands.configuration import UsageError
from vqa.commands.pack import main as pack

SMALL = (
    "+data.read.contents=5", "+data.read.versions=3", "+data.read.frames=8",
    "+data.read.size=[64,48]", "trainer.max_epochs=1",
)  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a finished run on a small demo."""
    place = tmp_path_factory.mktemp("hub")
    paths = [f"paths.{name}={place / name}" for name in ("data", "cache", "runs")]
    run("train", *SMALL, *paths, f"folder={place / 'run'}")
    return place


def test_a_model_on_the_hub_scores_like_its_run(place, tmp_path, monkeypatch, capsys):
    clip = next(iter(sorted((place / "data").rglob("*.mp4"))))
    with serving() as hub:
        point_to(hub.address, tmp_path / "hub", monkeypatch)
        assert main(["pack", str(place / "run"), "-o", "hf://me/mine", "--private"]) == 0
        assert (
            f"uploaded: {hub.address}/me/mine; vqa score <videos> --model hf://me/mine"
            in capsys.readouterr().out
        )
        assert hub.private["me/mine"]
        assert pack(str(place / "run"), str(tmp_path / "folder")) == 0
        files = hub.models["me/mine"]
        for name, content in files.items():
            if name != "README.md":  # with a header for the hub
                assert (tmp_path / "folder" / name).read_bytes() == content
        card = (tmp_path / "folder" / "README.md").read_text(encoding="utf-8")
        assert files["README.md"].decode().endswith(card)
        expected = vqa.load(place / "run")(clip)
        score = vqa.load("hf://me/mine")(clip)
        assert score.value is not None
        assert (score.value, score.raw) == (expected.value, expected.raw)
        # a model of the hub is packed again as it is, with its card
        assert pack("hf://me/mine", str(tmp_path / "copy")) == 0
        assert (tmp_path / "copy" / "README.md").read_bytes() == files["README.md"]


def test_a_folder_cannot_be_private(place, tmp_path):
    with pytest.raises(UsageError, match=r"--private is for --output hf://owner/name"):
        pack(str(place / "run"), str(tmp_path / "folder"), private=True)
