"""The YAML of every figure study: its function takes the settings, and they name its trainings."""

import inspect

import pytest
import yaml

from tests.places import CONF
from vqa.commands.building import locate

STUDIES = {
    path.relative_to(CONF / "study").with_suffix("").as_posix(): study
    for path in sorted((CONF / "study").glob("*/*.yaml"))
    if "figure" in (study := yaml.safe_load(path.read_text(encoding="utf-8")))
}


def test_the_figures_of_gstvqa_and_clifvqa_are_there():
    names = {f"gstvqa/fig{number}" for number in (4, 6, 7)}
    assert names | {"clifvqa/fig3", "clifvqa/fig4"} <= set(STUDIES)


@pytest.mark.parametrize("name", STUDIES)
def test_settings_fit_their_function(name):
    settings = dict(STUDIES[name]["figure"])
    function = locate(settings.pop("_target_"))
    inspect.signature(function).bind(None, **settings)
    inspect.signature(function).bind(None, **settings | STUDIES[name].get("smoke", {}))
    named = {
        training
        for key in ("panels", "trainings")
        for one in _values(settings.get(key, {}))
        for training in (one.values() if isinstance(one, dict) else [one])
    }
    trainings = STUDIES[name].get("trainings", {})
    helpers = {one for one in trainings if f"{{{one}}}" in str(trainings)}
    if named:
        assert named == set(trainings) - helpers


def _values(named):
    return named.values() if isinstance(named, dict) else named
