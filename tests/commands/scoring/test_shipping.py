"""A model folder on its way to another machine."""

from dataclasses import replace

import pytest

import vqa
from vqa.commands.scoring.shipping import Model


def test_a_model_is_used_where_it_is_and_unpacked_where_it_is_not(own, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    model = Model.of(own / "run")

    def unused():
        raise AssertionError("the folder is here")

    assert model.here(unused) == own / "run"
    packed = model.packed()
    elsewhere = replace(model, folder="/nowhere/run")
    folder = elsewhere.here(lambda: packed)
    assert folder.name == "run"
    assert elsewhere.here(unused) == folder
    video = own / "videos" / "clip0.mp4"
    scorers = vqa.load(own / "run"), vqa.load(folder)
    assert scorers[0](video) == scorers[1](video)
    assert scorers[0].identity == scorers[1].identity


def test_other_content_is_not_taken(own, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    model = Model.of(own / "run")
    other = replace(model, hashes={**model.hashes, "config.yaml": "0" * 64})
    with pytest.raises(ValueError, match=r"expected the files of .*run, found others"):
        other.here(model.packed)
