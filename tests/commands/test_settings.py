"""Values of settings: an independent list of what every key of conf/ takes of the hostile ones."""

import math
from fnmatch import fnmatchcase

import pytest

from tests.commands.hostile import HOSTILE, compositions, places, with_value
from vqa.commands.settings import checked, is_path_or_paths

PATH = "null -1 0 abc"
TEXT = "-1 0 abc"
NAME = "abc long"
# From patterns of keys to the hostile values that make sense there; the first pattern counts.
SENSIBLE = {
    # engines
    "engine.name engine.cluster engine.array engine.time_min": "",
    "engine.requeues": "0",
    "engine.gpus": "0 1.5",
    "engine.workers engine.cpus": "null",
    "engine.memory_gb": "null 1.5",
    "engine.partition": "null abc",
    "engine.address": "abc",
    "engine.options": "{} {a:b}",
    # whole numbers
    "seed split_seed protocol.seed model.seed rescore loader.num_workers": "0",
    "model.module.frozen_epochs.*": "0",
    "model.network.backbone.gated_stages": "0",
    "protocol.reshuffle_seed frame": "null 0",
    "loader.*batch_size *.max_epochs *.accumulate_grad_batches *.checkpoint_every": "",
    "model.module.refresh_every model.network.*_dim model.network.*channels": "",
    "model.network.steps model.network.backbone.embed_dim views.fragments.*_clips": "",
    "views.fragments.clip_length views.fragments.frame_interval views.fragments.*_size": "",
    "protocol.folds protocol.rounds model.module.schedule.every_epochs": "",
    "views.features.crop_length loader.store": "null",
    "*.num_nodes": "",
    "threads *.workers model.patience *.frames *.batch_frames *.batch_masks": "null",
    "*.batch_windows views.fragments.aligned views.fragments.time_fragments protocol.count": "null",
    "*.devices model.network.backbone.depths model.network.backbone.num_heads": "[1]",
    "model.network.map_size model.network.backbone.window_size": "",
    # numbers
    "protocol.val_fraction model.network.dropout *.stochastic_depth": "0",
    "model.ema_decay": "null 0",
    "protocol.test_fraction": "",
    "*.memory_gb *_weight model.optimizer.weight_decay *.warmup_epochs": "0 1.5 1e9",
    "model.module.schedule.factor": "",
    "model.epsilon alignment.error_ratio": "0 1.5 1e9",
    "model.loss.beta model.optimizer.lr model.module.learning_rates.*": "1.5 1e9",
    "*.gradient_clip_val model.limit alignment.outlier_spreads": "null 1.5 1e9",
    "features.openclip.frame_rate_hz": "null",  # beside its frames
    "*.frame_rate_hz *.frames_per_second": "null 1.5",
    "*.time_limit_s": "1.5",
    "model.C model.gamma": "1.5 1e9 [1]",
    "*.mos_range *raw.size *raw.range": "null",
    "*raw.pixel_format": "null abc",  # the reader of raw video knows the names
    # one of some words
    "*.standardise *.jpeg *.upper *.double_resize *.deterministic fresh logger.thumbnails": "true",
    "*.pyramid *.checkpointing *.regression *.start.head *.on_mos_scale": "true",
    "loader.each_database pack": "true",
    "model.calibrate model.compile model.scale_target": "true",
    "shard metric decoders *.device *.dtype *.on_error *.accelerator *.strategy *.precision": "",
    "*.group_by *.selection *.attention *.network.score *.reader *.missing *damaged": "",
    "*.gate *.branches *.identity *.check": "",
    "model.network.components model.network.members model.network.scalings": "",
    "model.prepare.period": "null",
    "model.module.mixing": "0 1.5 1e9",
    "model.kernel model.scaler model.impute model.criterion model.inner": "",
    "model.network.rnn *.pooling *.rows *.yuv_matrix *.windows *.softmax *.fusion *.stem": "",
    "*.resolutions *.grey logger.mode logger.runs": "",
    "data.read.readers.lsvq.parts": "",
    "*.parts *.databases features.gram.layers features.gram.extractor.layers train test": "[a,b]",
    "init_parts descriptions": "null [a,b]",
    "trust test_settings": "[] [a,b]",
    "features.openclip.groups features.openclip.extractor.groups": "null abc long [a,b]",
    "features.timm.stages features.timm.extractor.stages": "null [1]",
    # names, paths, sections
    "alignment.anchor": "",  # a part of data.parts
    "whole logger.entity": "null abc long",
    "*.saliency_weights": PATH,
    "name model_name data.name features.*.name": "-1 0 abc",  # they name folders
    "*.name data.read.variant *.saliency_architecture logger.project": NAME,
    "paths.* *.weights *.architecture": TEXT,
    "data.labels *.labels runs videos features.external.path": PATH + " [1] [a,b]",
    "*.descriptions": PATH + " {} {a:b}",
    "folder init_from output run verify predictions draw *.root data.roots.* *.path": PATH,
    "weights backbone_weights": PATH,
    "data settings": "null {} {a:b}",
    "views.* model.network.backbone model.start model.prepare": "null",
    "model.module.frozen_epochs model.module.learning_rates": "null {}",
}


def sensible(key):
    """The hostile values that a key takes; every key of conf/ must be in the list above."""
    for patterns, labels in SENSIBLE.items():
        if any(fnmatchcase(key, pattern) for pattern in patterns.split()):
            return set(labels.split())
    raise AssertionError(f"{key}: new in conf/; give it a rule, and say above what it takes")


def test_settings_as_they_are_in_conf_hold():
    for name, settings in compositions().items():
        assert checked(settings) == settings, name


def test_every_key_takes_what_makes_sense_and_refuses_the_rest_in_one_line():
    wrong = []
    for key, name in places().items():
        dotted = ".".join(key)
        for label, value in HOSTILE.items():
            message = ""
            try:
                checked(with_value(compositions()[name], key, value))
            except ValueError as error:
                message = str(error)
            if "\n" in message or len(message) > 400:
                wrong.append(f"{dotted}={label}: {message}")
            if (not message) != (label in sensible(dotted)):
                wrong.append(f"{dotted}={label} {'refused' if message else 'accepted'}")
    assert not wrong


def settings_of(name, **changes):
    changed = compositions()[name]
    for key, value in changes.items():
        changed = with_value(changed, tuple(key.split("__")), value)
    return changed


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("loader__memory_gb", -1, "loader.memory_gb=-1: expected a number from 0 on, found -1"),
        ("seed", 1.5, "seed=1.5: expected a whole number from 0 to 4294967295, found 1.5"),
        ("seed", True, "seed=true: expected a whole number .*, found true"),
        ("protocol__val_fraction", None, "protocol.val_fraction=null: expected a number from 0 to"),
        ("trainer__gradient_clip_val", -1, "expected a number above 0 or null, found -1"),
        ("features__multiscale__frames", 0, "features.multiscale.frames=0: expected a whole"),
        ("features__multiscale__frame_rate_hz", 1e9, "a number above 0, at most 1000 or null"),
        ("features__multiscale__frame_rate_hz", math.nan, "frame_rate_hz=nan: expected"),
        ("data__reader", "xyz", "data.reader=xyz: expected one of auto, pyav, decord, found xyz"),
        ("model__selection", "best", "model.selection=best: expected one of last, val_srocc"),
        ("shard", 1, "shard=1: expected i/n, such as 2/8, found 1"),
        ("paths__runs", "", "paths.runs='': expected a path, found ''"),
        ("folder", ["a"], r"folder=\[a\]: expected a path, found \[a\]; quote a name"),
        ("folder", "x" * 300, "expected names of at most 255 bytes in a path"),
        ("trainer", None, "trainer=null: expected a section of settings, found null"),
        ("views__features", 5, "views.features=5: expected a section with a _target_ or null"),
        ("paths", 5, "paths=5: expected a section of settings, found 5"),
    ],
)
def test_messages_say_expected_and_found(key, value, message):
    with pytest.raises(ValueError, match=message):
        checked(settings_of("model gstvqa", **{key: value}))


def test_a_value_of_an_extractor_is_named_as_it_is_typed():
    with pytest.raises(ValueError, match=r"^features\.nss\.precision=half: expected one of"):
        checked(settings_of("features nss", features__nss__precision="half"))


def test_contradictions_are_refused_before_work():
    nothing = {"extractor": {"_target_": "vqa.features.nothing.Nothing"}}
    with pytest.raises(ValueError, match=r"features=none: expected features, because model=gstvqa"):
        checked({**compositions()["model gstvqa"], "features": {"none": nothing}})
    with pytest.raises(ValueError, match="features=no features: expected features"):
        checked({**compositions()["model gstvqa"], "features": {}})
    with pytest.raises(ValueError, match=r"expected a validation part to select an epoch by"):
        checked(settings_of("model vsfa", protocol__val_fraction=0))
    with pytest.raises(ValueError, match=r"frames=8: expected either frames or frame_rate_hz"):
        checked(settings_of("features vgg16", **{
            "features__vgg16__frames": 8, "features__vgg16__frame_rate_hz": 2,
        }))  # fmt: skip
    late = {"model__module__frozen_epochs__backbone": 3, "trainer__strategy": "ddp"}
    with pytest.raises(ValueError, match=r"frozen_epochs.backbone=3: expected parts that all"):
        checked(settings_of("model fastvqa", **late))
    searching = "ddp_find_unused_parameters_true"
    assert checked(settings_of("model fastvqa", **late | {"trainer__strategy": searching}))
    linear = compositions()["alignment linear"]["alignment"]
    with pytest.raises(ValueError, match=r"alignment=linear: expected several databases"):
        checked({**compositions()["model gstvqa"], "alignment": linear})
    with pytest.raises(ValueError, match=r"alignment.anchor=lsvq: expected one of data.parts="):
        checked(settings_of("alignment linear", alignment__anchor="lsvq"))


def test_home_folders_in_every_path(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    found = 0
    for key, name in places().items():
        dotted = ".".join(key)
        if is_path_or_paths(dotted):
            settings = checked(with_value(compositions()[name], key, "~/x"))
            for part in key:
                settings = settings[part]
            assert settings == "/home/me/x", dotted
            found += 1
    assert found > 50


def test_settings_of_your_own_code_pass():
    own = {"_target_": "mine.Network", "attention": -1, "dropout": None}
    settings = settings_of("model gstvqa", model__network=own, model__mine=[None])
    settings["mine"] = {"rate": -1}
    assert checked(settings) == settings
