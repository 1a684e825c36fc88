"""Generated command lines, each with a statement whether it is right (hypothesis)."""

from dataclasses import dataclass

from hypothesis import strategies as st

ODD_NAMES = (
    "a=b", "a#b", "films (1)", "质量", "it's", "2024", "1e3", "true", "~/films", "a;b", "x y", "é",
)  # fmt: skip
UNCLEAR_NAMES = ("a,b", "[a]", "{a:b}", "${a", "'a", "")
NO_NUMBERS = ("abc", "nan", "inf", "-inf", "[]", "{}", "true", "''", "0x1", "1_0x", "x" * 300)
NO_COUNTS = ("0", "-1", "1.5", "1e9", "null", *NO_NUMBERS)
NO_SECTIONS = ("null", "5", "abc", "[1]")


def _values(good, bad):
    return {"good": tuple(good.split()), "bad": bad}


# By key: values that make sense, and values that do not, whatever else is on the line.
TRAIN = {
    "seed": _values("0 7 4294967295", ("-1", "null", "1.5", "4294967296", *NO_NUMBERS)),
    "threads": _values("1 null", ("0", "-1", "1.5", "1000000", *NO_NUMBERS)),
    "shard": _values("1/1 2/8", ("1", "1.5", "a/b", "null", "-1/2", "1/", "[]")),
    "fresh": _values("true false", ("null", "yes please", "1", "[]", "abc")),
    "loader.batch_size": _values("1 16", NO_COUNTS),
    "loader.eval_batch_size": _values("1 4", NO_COUNTS),
    "loader.num_workers": _values("0 2 auto", ("-1", "null", "1.5", "1e9", "9999", *NO_NUMBERS)),
    "loader.memory_gb": _values("0 0.5 4", ("-1", "null", "-1e9", *NO_NUMBERS)),
    "loader.device": _values("cpu", ("xyz", "null", "0", "[]", "gpu")),
    "loader": _values("", NO_SECTIONS),
    "trainer.max_epochs": _values("1 200", NO_COUNTS),
    "trainer.accumulate_grad_batches": _values("1 2", NO_COUNTS),
    "trainer.gradient_clip_val": _values("null 1.0 3", ("0", "-1", *NO_NUMBERS)),
    "trainer.accelerator": _values("cpu auto", ("xyz", "null", "1", "[]")),
    "trainer.devices": _values("1 2 auto", ("0", "-1", "1.5", "null", "xyz", "[]", "{}")),
    "trainer.precision": _values("auto 32-true bf16-mixed", ("xyz", "null", "31", "[]")),
    "model.checkpoint_every": _values("1 5", NO_COUNTS),
    "model.patience": _values("null", ("0", "-1", "1.5", *NO_NUMBERS)),
    "model.selection": _values("last", ("best", "null", "1", "[]")),
    "model.optimizer.lr": _values("1e-4 0.1", ("0", "-1", "null", *NO_NUMBERS)),
    "model.network.attention": _values("std concat", ("xyz", "null", "1", "[std]")),
    "model.module.refresh_every": _values("1 20", NO_COUNTS),
    "protocol.test_fraction": _values("0.2 0.5", ("0", "1", "-0.2", "2", "null", *NO_NUMBERS)),
    "protocol.val_fraction": _values("0 0.2", ("1", "-0.2", "2", "null", *NO_NUMBERS)),
    "protocol.group_by": _values("content video", ("xyz", "null", "1")),
    "protocol": _values("holdout full", ("nosuch", "null", "[holdout]", "1")),
    "recipe": _values("paper demo", ("nosuch", "null", "demo/x", "[paper]")),
    "alignment": _values("none", ("nosuch", "null", "linear")),
    "experiment": _values("", ("nosuch", "null")),
    "logger": _values("csv", ("nosuch", "null", "[csv]")),
    "trainer": _values("auto cpu", ("nosuch", "null", "5")),
    "data.reader": _values("auto pyav", ("xyz", "null", "1")),
    "data.mos_range": _values("[1,5] null", ("[5,1]", "[1]", "[1,2,3]", "5", "[a,b]", "[1,inf]")),
}  # fmt: skip
FEATURES = {
    "features": _values("multiscale [multiscale]", ("nosuch", "null", "[]", "[nosuch]", "1")),
    "features.multiscale.frames": _values("null 8", ("0", "-1", "1.5", "1e9", *NO_NUMBERS)),
    "features.multiscale.frame_rate_hz": _values(
        "null 2 0.5", ("0", "-1", "1e9", "1001", *NO_NUMBERS)
    ),
    "features.multiscale.dtype": _values("float32 float16", ("float64", "null", "16")),
    "features.multiscale.on_error": _values("skip raise", ("ignore", "null")),
    "features.multiscale.time_limit_s": _values("600 0.5", ("0", "-1", "null", "1e9", *NO_NUMBERS)),
}  # fmt: skip
EVALUATE = {
    "rescore": _values("0 3", ("-1", "null", "1.5", *NO_NUMBERS)),
    "metric": _values("srocc rmse", ("nosuch", "null", "1", "[]")),
    "fresh": TRAIN["fresh"],
    "threads": TRAIN["threads"],
    "trust": _values("[] [mine]", ("null", "mine", "5", "[1]")),
    "raw.size": _values("null 1920x1080", ("1920", "0x5", "axb", "1", "[]", "-1x3")),
}
PATHS = {
    "train": ("folder", "paths.cache", "paths.data", "paths.runs"),
    "extract": ("paths.cache", "paths.data"),
    "cross": ("output", "paths.cache", "paths.runs"),
    "evaluate": ("output", "paths.cache"),
}
SETTINGS = {
    "train": {**TRAIN, **FEATURES},
    "cross": {key: one for key, one in TRAIN.items() if key != "data.mos_range"} | FEATURES,
    "extract": {key: TRAIN[key] for key in ("shard", "threads", "data.reader")} | FEATURES,
    "evaluate": EVALUATE,
}
# Words that are wrong on every command line with overrides.
WRONG = (
    "nosuch=1", "seed", "=1", "~threads", "model_recipe=demo/vsfa", "a b", "--nosuch",
    "threads=[", "threads='1", "threads=1,2", "paths=5", "paths=null", "paths.nosuch=x", "-z",
)  # fmt: skip
FLAGS = {
    ("verify", "nowhere", "--rescore"): ("-1", "1.5", "abc", "nan", ""),
    ("doctor", "csv", "--time-limit"): ("0", "-1", "nan", "inf", "soon", "1e99"),
    ("doctor", "csv", "--missing"): ("keep", "", "1"),
    ("score", "nowhere", "a.mp4", "--device"): ("xyz", "", "0"),
    ("compare", "a", "b", "--metric"): ("nosuch", ""),
    ("runs", "nowhere", "--form"): ("x",),
    ("models",): ("nosuch", "", "../gstvqa"),
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """A command line after `vqa`.

    Attributes:
        words: The words.
        wrong: The words that are wrong; empty if all are right.
    """

    words: tuple[str, ...]
    wrong: tuple[str, ...]


@st.composite
def lines(draw):
    """Draw a command line; about half are right."""
    if draw(st.integers(0, 9)) == 0:
        words, values = draw(st.sampled_from(sorted(FLAGS.items())))
        value = draw(st.sampled_from(values))
        return Line((*words, value), (value,))
    verb = draw(st.sampled_from(["train", "train", "cross", "extract", "evaluate"]))
    known = SETTINGS[verb]
    spoiled = draw(st.booleans())
    keys = draw(st.lists(st.sampled_from(sorted(known)), max_size=3, unique=True))
    words, wrong = [], []
    for key in [key for key in keys if not _clash(key, keys)]:
        kind = "bad" if spoiled and draw(st.booleans()) else "good"
        if values := known[key][kind]:
            words.append(f"{key}={draw(st.sampled_from(values))}")
            wrong += [words[-1]] * (kind == "bad")
    if draw(st.booleans()):
        key = draw(st.sampled_from(PATHS[verb]))
        names = UNCLEAR_NAMES if spoiled and draw(st.booleans()) else ODD_NAMES
        words.append(f"{key}={draw(st.sampled_from(names))}")
        # Folders without a name are the default, or refused: nobody types them to mean something.
        wrong += [words[-1]] * (names is UNCLEAR_NAMES)
    if spoiled and draw(st.integers(0, 3)) == 0:
        extra = draw(st.sampled_from((*WRONG, *(word for word in words[:1]))))
        words.append(extra)
        wrong.append(extra)
    return Line((verb, *words), tuple(wrong))


def _clash(key, keys):
    """Return whether a key means nothing, or something else, beside another key on the line."""
    group = key.split(".")[0]
    shadowed = {"loader", "protocol", "trainer", "features"} & set(keys)
    together = {"features.multiscale.frames", "features.multiscale.frame_rate_hz"} <= set(keys)
    return (
        (key != group and group in shadowed)
        or (together and key.endswith("frames"))
        or ("experiment" in keys and key != "experiment")
    )
