"""Every setting of conf/, and values that a user may give it by mistake."""

import copy
import math
from functools import cache

from omegaconf import OmegaConf

from vqa.commands import configuration

HOSTILE = {
    "null": None,
    "-1": -1,
    "0": 0,
    "1.5": 1.5,
    "abc": "abc",
    "[]": [],
    "{}": {},
    "1e9": 1e9,
    "-1e9": -1e9,
    "nan": math.nan,
    "inf": math.inf,
    "true": True,
    "''": "",
    "long": "x" * 5000,
    "[1]": [1],
    "[null]": [None],
    "[a,b]": ["a", "b"],
    "{a:b}": {"a": "b"},
}
GROUPS = ("model", "features", "protocol", "data", "alignment", "trainer", "logger", "engine")


@cache
def compositions():
    """Plain, resolved settings that together have every key of conf/, by a name."""
    wanted = {"cross": ("cross", "train=[demo]", "test=[demo]"), "doctor": ("doctor",)}
    wanted |= {"evaluate": ("evaluate",), "evaluate konvid": ("evaluate", "data=konvid")}
    for group in GROUPS:
        for choice in configuration.choices(group):
            if group == "features" and choice == "none":
                continue
            own = ["data=combined"] if group == "alignment" else []
            verb = "extract" if group == "features" else "train"
            wanted[f"{group} {choice}"] = (verb, f"{group}={choice}", *own)
    found = {}
    for name, (verb, *overrides) in wanted.items():
        config = configuration.compose(verb, overrides)
        configuration.register_resolvers()
        found[name] = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    return found


def keys(settings, place=()):
    """Yield the keys of the values that are no sections, except `_target_` and `_partial_`."""
    for name, value in settings.items():
        if isinstance(value, dict) and value:
            yield from keys(value, (*place, name))
        elif not name.startswith("_"):
            yield (*place, name)


@cache
def places():
    """By key, the name of a composition that has it."""
    found = {}
    for name, settings in compositions().items():
        for key in keys(settings):
            found.setdefault(key, name)
    return found


def with_value(settings, key, value):
    """Settings with another value; what refers to the key follows, as interpolation does it."""
    changed = copy.deepcopy(settings)
    section = changed
    for name in key[:-1]:
        section = section[name]
    section[key[-1]] = value
    for inner in ("extractor", "read"):
        if key[-1] in section.get(inner, {}):
            section[inner][key[-1]] = value
    return changed
