"""The rules of the settings that the commands read, by their keys.

A key of `RULES` is a pattern of dotted keys, in which `*` stands for any name.
"""

from typing import Any

from vqa.commands.engines.settings import RULES as ENGINE
from vqa.commands.rules import (
    BUILT,
    FLAG,
    NULL,
    Rule,
    above,
    number,
    one_of,
    section,
    several,
    text,
    whole,
)
from vqa.files import plain_name
from vqa.identity import KINDS

NAME = text("a name")
SEED = whole(0, 2**32 - 1)
THREADS = whole(1, 1024)
MOS_RANGE = (
    Rule(
        "two numbers, the lower one first, such as [1,5]",
        lambda value: several(number(-1e12, 1e12), 2, 2).holds(value) and value[0] < value[1],
    )
    | NULL
)


def _names_a_folder(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(plain_name("name", value))
    except ValueError:
        return False


FOLDER_NAME = Rule(
    "a name of letters, digits, spaces and . _ + -, at most 120 bytes, because it names a folder",
    _names_a_folder,
)


def _is_rankable(value: Any) -> bool:
    from vqa.evaluation.metrics import cards  # here, because it takes a second

    return isinstance(value, str) and value in cards.rankable()


DAMAGED = one_of("refuse", "score")
DEVICE = one_of("auto", "cpu", "cuda")
RAW = {
    "size": text("WIDTHxHEIGHT, such as 1920x1080", r"[1-9][0-9]{0,5}[xX][1-9][0-9]{0,5}") | NULL,
    "pixel_format": text("FFmpeg's name, such as yuv420p10le", r"[a-z0-9_]{1,32}") | NULL,
    "range": one_of("limited", "full") | NULL,
    "frame_rate_hz": above(0, 1000) | NULL,
}
RAW_SECTIONS = ("raw", "data.raw", "data.read.raw", "data.read.readers.*.raw")

RULES: dict[str, Rule] = {
    "name": FOLDER_NAME,
    "model_name": FOLDER_NAME,
    "seed": SEED,
    "split_seed": SEED,
    "fresh": FLAG,
    "init_parts": several(NAME) | NULL,
    "settings": section() | NULL,
    "test_settings": several(NAME, fewest=0),
    "shard": text("i/n, such as 2/8", r"[0-9]{1,6}/[0-9]{1,6}"),
    "threads": THREADS | NULL,
    "pack": FLAG,
    "decoders": whole(1, 1024) | one_of("auto"),
    "train": several(NAME),
    "test": several(NAME),
    "whole": NAME | NULL,
    "metric": Rule("a metric with intervals, such as srocc, krocc, plcc or rmse", _is_rankable),
    "rescore": whole(0),
    "trust": several(NAME, fewest=0),
    **dict.fromkeys(RAW_SECTIONS, section()),
    **{f"{place}.{key}": rule for place in RAW_SECTIONS for key, rule in RAW.items()},
    "damaged": DAMAGED,
    "frame": whole(0) | text("seconds such as 2.5s", r"[0-9]{1,9}(\.[0-9]+)?s") | NULL,
    "descriptions": several(NAME) | NULL,
    "paths": section(),
    "loader": section(),
    "loader.batch_size": whole(1),
    "loader.eval_batch_size": whole(1),
    "loader.num_workers": whole(0, 1024) | one_of("auto"),
    "loader.memory_gb": number(0),
    "loader.device": one_of("auto", "cpu", "cuda"),
    "loader.each_database": FLAG,
    "loader.store": whole(1, 10**6) | NULL,
    "views": section(),
    "views.*": BUILT | NULL,
    "data": section() | NULL,
    "data.name": FOLDER_NAME,
    "data.reader": one_of("auto", "pyav", "decord"),
    "data.missing": one_of("error", "skip", "keep"),
    "data.damaged": DAMAGED,
    "data.identity": one_of(*KINDS),
    "data.check": one_of("decode", "probe"),
    "data.mos_range": MOS_RANGE,
    "data.roots": section(),
    "data.read": BUILT,
    "features": section() | NULL,
    "features.*": section(),
    "features.*.name": FOLDER_NAME,
    "features.*.frame_rate_hz": above(0, 1000) | NULL,
    "features.*.frames": whole(1) | NULL,
    "features.*.dtype": one_of("float32", "float16"),
    "features.*.on_error": one_of("skip", "raise"),
    "features.*.time_limit_s": above(0, 1e6),
    "features.*.standardise": FLAG,
    "features.*.extractor": BUILT,
    "features.*.rows": one_of("named", "database"),
    "protocol": section(),
    "alignment": section(),
    "logger": section(),
    "engine": section(),
    **{f"engine.{key}": rule for key, rule in ENGINE.items()},
    "trainer": section(),
    "model": section(),
}
