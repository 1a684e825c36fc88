"""The features that a run learned from are stored, compared, and named if they are random."""

import json
from types import SimpleNamespace

import pytest

from vqa.files import write_json
from vqa.runs import RunError
from vqa.runs.used_features import check_features, hold_features, untrained_features


def made(name="vgg16", digit="a", untrained=False):
    weights = f"{name} imagenet sha256:{digit * 12}"
    return SimpleNamespace(name=name, weights=weights, fingerprint=digit * 64, untrained=untrained)


def test_the_same_features_are_accepted_again(tmp_path):
    check_features(tmp_path, [made(digit="b")])  # nothing is stored yet
    hold_features(tmp_path, [made(), made("nss")])
    before = (tmp_path / "features.json").read_bytes()
    hold_features(tmp_path, [made(), made("nss")])
    check_features(tmp_path, [made(), made("nss")])
    assert (tmp_path / "features.json").read_bytes() == before


@pytest.mark.parametrize("compare", [check_features, hold_features])
def test_other_weights_are_refused_in_one_line_with_both_hashes(tmp_path, compare):
    hold_features(tmp_path, [made(), made("resnet50", "b")])
    before = (tmp_path / "features.json").read_bytes()
    with pytest.raises(RunError) as error:
        compare(tmp_path, [made(), made("resnet50", "c")])
    assert str(error.value) == (
        f"{tmp_path} learned from features of resnet50 imagenet sha256:bbbbbbbbbbbb (fingerprint "
        "bbbbbbbbbbbb), but features.resnet50 now gives resnet50 imagenet sha256:cccccccccccc "
        "(fingerprint cccccccccccc): restore those weights and that version of vqa, or train "
        "again with fresh=true"
    )
    assert (tmp_path / "features.json").read_bytes() == before


def test_features_computed_elsewhere_have_nothing_to_compare(tmp_path):
    matrix = SimpleNamespace(
        name="external", weights="a.csv sha256:0", fingerprint="", untrained=False
    )
    hold_features(tmp_path, [matrix])
    check_features(tmp_path, [made()])


def test_random_weights_are_named(tmp_path):
    assert untrained_features(tmp_path) == []
    hold_features(tmp_path, [made(), made("cnn", "b", untrained=True)])
    assert untrained_features(tmp_path) == ["cnn"]


@pytest.mark.parametrize(
    ("note", "names"),
    [
        ("The features come from cnn with RANDOM weights (features.cnn.weights=random).", ["cnn"]),
        ("The model has RANDOM weights.", ["model"]),
        ("2 of 9 videos could not be read.", []),
    ],
)
def test_the_notes_name_them_too(tmp_path, note, names):
    write_json(tmp_path / "notes.json", [note, note])
    assert untrained_features(tmp_path) == names


@pytest.mark.parametrize("content", [{"a": 1}, [1], [{"name": "a"}]])
def test_a_damaged_file_is_named(tmp_path, content):
    (tmp_path / "features.json").write_text(json.dumps(content))
    with pytest.raises(RunError, match=r"features\.json"):
        untrained_features(tmp_path)
