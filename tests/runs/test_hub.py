"""Model folders on a stand-in of the Hugging Face Hub: down, up, without a network, hostile."""

import pytest

from tests.hub_stand_in import point_to, serving
from vqa.files import write_json
from vqa.runs import RunError
from vqa.runs.hashes import file_hashes
from vqa.runs.hub import Address, download, is_address, upload
from vqa.runs.opening import load_run

HEADER = "---\nlibrary_name: vqa\n"


@pytest.fixture
def hub(tmp_path, monkeypatch):
    with serving() as hub:
        point_to(hub.address, tmp_path / "hub cache", monkeypatch)
        yield hub


@pytest.fixture
def folder(tmp_path):
    """A model folder as far as the hub is concerned, with a file that does not belong there."""
    folder = tmp_path / "model"
    (folder / "full").mkdir(parents=True)
    (folder / "weights").mkdir()
    (folder / "config.yaml").write_text("name: mine\nseed: 0\nmodel: {}\n")
    (folder / "full" / "learner.json").write_text("{}")
    (folder / "full" / "model.safetensors").write_bytes(b"weights")
    (folder / "weights" / "backbone.safetensors").write_bytes(b"backbone")
    (folder / "README.md").write_text("# mine\n")
    (folder / "setup.py").write_text("raise SystemExit")
    write_json(folder / "manifest.json", file_hashes(folder))
    return folder


def contents(folder, *, without=("setup.py",)):
    files = (path for path in folder.rglob("*") if path.is_file() and path.name not in without)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hf://a/b", ("a/b", None)),
        ("hf://some-one/q.1_x@refs/pr/3", ("some-one/q.1_x", "refs/pr/3")),
        ("hf:/a/b@v2", ("a/b", "v2")),  # what a path object leaves of it
    ],
)
def test_an_address_is_owner_name_and_perhaps_a_revision(text, expected):
    assert is_address(text)
    assert Address.parse(text) == expected


@pytest.mark.parametrize(
    "text", ["hf://", "hf://a", "hf://a/b/c", "hf://../b", "hf://a/b@", "hf://a/b c", "hf://é/b"]
)
def test_other_addresses_are_refused(text):
    with pytest.raises(RunError, match="expected hf://owner/name or"):
        load_run(text)


def test_folders_are_no_addresses(tmp_path):
    assert not any(map(is_address, ("ugc", "runs/hf", tmp_path, "./hf://a/b", "https://a/b")))


def test_a_model_comes_back_as_it_was_uploaded(hub, folder):
    page = upload(folder, Address("me/mine"))
    assert page == f"{hub.address}/me/mine"
    assert hub.models["me/mine"] == contents(folder)
    assert hub.models["me/mine"]["README.md"].decode().startswith(HEADER)
    assert hub.models["me/mine"]["README.md"].decode().endswith("---\n\n# mine\n")
    assert not hub.private["me/mine"]
    for place in ("hf://me/mine", "hf://me/mine@main"):
        run = load_run(place)
        assert run.config["name"] == "mine"
        assert contents(run.folder) == contents(folder)


def test_an_upload_replaces_the_model_there_and_leaves_other_files(hub, folder):
    hub.models["me/mine"] = {
        "old/learner.json": b"{}",
        "old/model.safetensors": b"",
        "LICENSE": b"MIT",
    }
    upload(folder, Address("me/mine"))
    assert hub.models["me/mine"] == contents(folder) | {"LICENSE": b"MIT"}


def test_a_header_of_the_card_stays(hub, folder):
    card = "---\nlicense: mit\n---\n# mine\n"
    (folder / "README.md").write_text(card)
    upload(folder, Address("me/mine"), private=True)
    assert hub.models["me/mine"]["README.md"].decode() == card
    assert hub.private["me/mine"]


def test_only_files_of_a_model_folder_are_downloaded_and_only_once(hub, folder):
    strangers = ("setup.py", "model.pkl", "full/optimizer.pt", "config.json", "code/a.py")
    hub.models["me/mine"] = contents(folder) | dict.fromkeys(strangers, b"x")
    first = download(Address("me/mine"))
    assert contents(first) == contents(folder)
    taken = sum(call.startswith("GET /me/mine/resolve") for call in hub.calls)
    assert taken == len(contents(folder))
    hub.calls.clear()
    assert download(Address("me/mine")) == first
    assert not any("resolve" in call for call in hub.calls)


def test_a_downloaded_model_is_used_without_a_network(hub, folder, tmp_path, monkeypatch):
    hub.models["me/mine"] = contents(folder)
    there = download(Address("me/mine"))
    point_to("http://127.0.0.1:9", tmp_path / "hub cache", monkeypatch)
    assert download(Address("me/mine")) == there
    with pytest.raises(RunError, match=r"me/other cannot be reached and the cache has no complete"):
        download(Address("me/other"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert download(Address("me/mine")) == there
    with pytest.raises(RunError, match=r"cannot be reached .* without HF_HUB_OFFLINE"):
        download(Address("me/other"))


def test_errors_name_the_page_and_the_remedy(hub, folder, monkeypatch):
    hub.models["me/mine"] = contents(folder)
    hub.gated.add("me/gated")
    cases = {
        "hf://me/absent": r"/me/absent does not exist or is private; .*`hf auth login`",
        "hf://me/mine@v9": "/me/mine has no such branch, tag or commit",
        "hf://me/gated": "is gated: ask for access at http.*/me/gated",
    }
    for place, expected in cases.items():
        with pytest.raises(RunError, match=expected) as error:
            load_run(place)
        assert "\n" not in str(error.value)
    hub.models["me/card"] = {"README.md": b"# mine"}
    with pytest.raises(RunError, match=r"hf://me/card is no model folder: it has no config\.yaml"):
        load_run("hf://me/card")
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(RunError, match=r"you may not .* at http.*/me/new; log in"):
        upload(folder, Address("me/new"))
    assert "me/new" not in hub.models


@pytest.mark.parametrize("name", ["full/model.safetensors", "weights/backbone.safetensors"])
@pytest.mark.parametrize("content", [b"another", None])
def test_files_other_than_those_of_the_manifest_are_refused(hub, folder, name, content):
    hub.models["me/mine"] = contents(folder)
    hub.models["me/mine"].pop(name)
    if content:
        hub.models["me/mine"][name] = content
    with pytest.raises(RunError, match=f"{name} is not the file"):
        load_run("hf://me/mine")


def test_a_file_that_the_manifest_does_not_list_is_refused(hub, folder):
    hub.models["me/mine"] = contents(folder) | {"more/model.safetensors": b"more"}
    with pytest.raises(RunError, match=r"more/model\.safetensors is not the file"):
        load_run("hf://me/mine")


def test_names_that_lead_out_of_the_folder_are_refused(hub, folder, tmp_path):
    hub.models["me/mine"] = contents(folder) | {"../../../../../out/learner.json": b"{}"}
    with pytest.raises(RunError, match="hf://me/mine: ") as error:
        load_run("hf://me/mine")
    assert "\n" not in str(error.value)
    assert not list(tmp_path.rglob("out"))
