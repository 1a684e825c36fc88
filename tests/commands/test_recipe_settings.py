"""Another protocol or other features than a recipe's own: its settings are defaults."""

import pytest

from tests.commands.calling import Failed, composed, run
from vqa.commands.configuration import compose


def protocol_of(*overrides):
    return composed("train", *overrides).config["protocol"]


@pytest.mark.parametrize("experiment", ["gram/5b", "saliency/nss"])
@pytest.mark.parametrize("name", ["full", "holdout", "kfold", "official", "videval", "imported"])
def test_a_recipe_takes_any_protocol(experiment, name):
    more = ["protocol.path=splits.csv"] if name == "imported" else []
    found = protocol_of(f"experiment={experiment}", f"protocol={name}", *more)
    alone = protocol_of(f"protocol={name}", *more)
    assert found.keys() == alone.keys()


def test_what_both_protocols_take_stays_as_the_recipe_says():
    assert protocol_of("experiment=gram/5b", "protocol=repeated")["group_by"] == "video"
    assert protocol_of("model=vsfa", "protocol=kfold")["val_fraction"] == 0.2
    found = protocol_of("model=vsfa", "protocol=videval", "model.selection=last")
    assert "val_fraction" not in found


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["experiment=gram/5b", "protocol=full", "protocol.folds=3"], "protocol.folds=3: expected"),
        (["protocol=full", "+protocol.vall=3"], r"protocol.vall=3: .* \(val_fraction, seed\)"),
        (["protocol=full", "protocol.folds=3"], "there is no setting protocol.folds"),
        (
            ["experiment=gram/5b", "features=multiscale", "features.gram.upper=true"],
            r"there is no setting features.gram.upper",
        ),
        (
            ["experiment=gram/5b", "features=multiscale", "features.gram.layers=[a]"],
            r"features.gram.layers=\[a\]: expected a setting of the chosen features \(multiscale\)",
        ),
        (["model=vsfa", "protocol=videval"], "found protocol=videval, which has none"),
    ],
)
def test_what_the_user_types_is_refused_if_the_protocol_does_not_take_it(words, message):
    with pytest.raises(ValueError, match=message):
        composed("train", *words)
    with pytest.raises(Failed, match=f"^error: .*{message}") as failure:
        run("train", *words)
    assert failure.value.status == 2
    assert str(failure.value).count("\n") == 1


def test_a_recipe_takes_other_features():
    other = composed("train", "experiment=gram/5b", "features=[multiscale,metadata]").config
    assert list(other["features"]) == ["multiscale", "metadata"]
    assert other["name"].endswith("demo-multiscale-metadata")


def anything(database, **settings):
    """A protocol that takes any setting."""


def test_a_protocol_of_ones_own_that_takes_everything_keeps_everything():
    found = compose(
        "train", ["model=vsfa", "protocol._target_=tests.commands.test_recipe_settings.anything"]
    )
    assert found.protocol.val_fraction == 0.2


def test_precision_auto_is_settled_before_a_run_is_named(monkeypatch):
    """The run and its features say what they are, wherever they are used later."""
    words = ["model=vsfa", "features=resnet50", "data=csv", "features.resnet50.precision="]
    plain = composed("train", *words[:3]).folder
    folders = []
    for precision in ("float32", "bfloat16"):
        monkeypatch.setattr(
            "vqa.models.pretrained.devices.fast_precision", lambda device, one=precision: one
        )
        experiment = composed("train", *words[:3], f"{words[3]}auto")
        settings = experiment.config["features"]["resnet50"]
        assert settings["precision"] == settings["extractor"]["precision"] == precision
        assert experiment.folder == composed("train", *words[:3], f"{words[3]}{precision}").folder
        folders.append(experiment.folder)
    assert folders[0] == plain != folders[1]


def test_precision_auto_of_features_without_a_choice_is_refused():
    with pytest.raises(Failed, match="precision=auto: expected"):
        run("train", "model=svr", "features=nss", "features.nss.precision=auto")
