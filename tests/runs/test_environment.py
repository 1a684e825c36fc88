"""The machine has a name in words, and the code a commit."""

import subprocess

import pytest
import torch

from tests.places import ROOT
from vqa.runs import environment
from vqa.runs.environment import commit, machine


def test_the_machine_is_named_by_processor_cores_and_gpu(monkeypatch):
    processor, cores = machine().split(", ")[:2]
    assert processor
    assert cores.split()[0].isdigit()
    assert cores.split()[1] in ("core", "cores")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA H200")
    assert machine().endswith(", NVIDIA H200")


def test_the_commit_is_that_of_the_code(monkeypatch):
    monkeypatch.delenv("VQA_COMMIT", raising=False)
    found = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"],
        cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False,
    )  # fmt: skip
    if found.returncode:
        pytest.skip("no checkout")
    assert commit().rstrip("+") == found.stdout.strip()


@pytest.mark.parametrize(("told", "noted"), [("0123abcd", "0123abcd"), ("", "unknown")])
def test_code_that_git_does_not_hold_has_the_commit_that_it_is_told(
    told, noted, tmp_path, monkeypatch
):
    """As in an image, and where an installed copy lies in somebody else's repository."""
    monkeypatch.setenv("VQA_COMMIT", told)
    installed = tmp_path / "lib" / "environment.py"
    installed.parent.mkdir()
    installed.touch()
    monkeypatch.setattr(environment, "__file__", str(installed))
    assert commit() == noted
    name = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    for words in (["init", "-q"], [*name, "commit", "-q", "--allow-empty", "-m", "theirs"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    assert commit() == noted


def test_without_git_the_commit_is_unknown_or_told(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("VQA_COMMIT", raising=False)
    assert commit() == "unknown"
    monkeypatch.setenv("VQA_COMMIT", " 0123abcd\n")
    assert commit() == "0123abcd"
