"""The studies of figures of the saliency and feature-map papers name functions and trainings."""

import inspect

import pytest
import yaml

from tests.commands.calling import composed
from tests.places import CONF
from vqa.commands.building import locate

FILES = sorted([*CONF.glob("study/saliency/fig*.yaml"), *CONF.glob("study/gram/fig*.yaml")])
FILES.append(CONF / "study" / "saliency" / "table2.yaml")


def test_the_number_of_studies():
    assert len(FILES) == 9


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_settings_fit_the_function_and_trainings_compose(path):
    study = yaml.safe_load(path.read_text())
    settings = dict(study["figure"])
    function = locate(settings.pop("_target_"))
    inspect.signature(function).bind(None, **settings)
    assert set(study.get("smoke", {})) <= set(settings)
    trainings = study.get("trainings", {})
    assert set(settings.get("trainings", [])) <= set(trainings)
    assert set(settings.get("sets", trainings)) <= set(trainings)
    overrides = [*trainings.values()][-1:]
    for one in overrides:
        config = composed("train", *(word.replace("{tid2013}", "run") for word in one)).config
        assert config["data"]["name"] in study["databases"]
    smoke = study.get("smoke", {}).get("overrides", [])
    if smoke:
        names = dict.fromkeys(word.split(".")[1] for word in smoke)
        composed("train", f"features=[{','.join(names)}]", *smoke)
    assert f"vqa study {path.parent.name}/{path.stem}" in path.read_text()
