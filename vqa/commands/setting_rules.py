"""The rule of every setting that vqa reads, by key and by the target that takes it.

A key of `RULES` is a pattern of dotted keys, in which `*` stands for any name. Options of a
constructor or function stand in `OPTIONS` under its `_target_`, wherever the section with that
target is. Settings of your own code match neither and pass.
"""

from typing import Any

from vqa.commands.rules import (
    FLAG,
    NULL,
    Rule,
    above,
    number,
    one_of,
    section,
    several,
    share,
    text,
    whole,
)

NAME = text("a name")
SEED = whole(0, 2**32 - 1)
THREADS = whole(1, 1024)
DEVICE = one_of("auto", "cpu", "cuda")
PRECISION = one_of("float32", "bfloat16")
BATCH = whole(1) | NULL
GROUPING = one_of("content", "video")
MOS_RANGE = (
    Rule(
        "two numbers, the lower one first, such as [1,5]",
        lambda value: several(number(-1e12, 1e12), 2, 2).holds(value) and value[0] < value[1],
    )
    | NULL
)
FRACTION = above(0, 0.99)
VAL_FRACTION = share()
RATES = Rule(
    "a section that gives parts of the network a rate above 0",
    lambda value: isinstance(value, dict) and all(map(above(0).holds, value.values())),
)


def _is_rankable(value: Any) -> bool:
    from vqa.evaluation.metrics import cards  # here, because it takes a second

    return isinstance(value, str) and value in cards.rankable()


RULES: dict[str, Rule] = {
    "name": NAME,
    "model_name": NAME,
    "seed": SEED,
    "fresh": FLAG,
    "init_parts": several(NAME) | NULL,
    "shard": text("i/n, such as 2/8", r"[0-9]{1,6}/[0-9]{1,6}"),
    "threads": THREADS | NULL,
    "train": several(NAME),
    "test": several(NAME),
    "whole": NAME | NULL,
    "metric": Rule("a metric with intervals, such as srocc, krocc, plcc or rmse", _is_rankable),
    "rescore": whole(0),
    "trust": several(NAME, fewest=0),
    "raw_size": text("WIDTHxHEIGHT, such as 1920x1080", r"[1-9][0-9]{0,5}[xX][1-9][0-9]{0,5}")
    | NULL,
    "frame": whole(0) | text("seconds such as 2.5s", r"[0-9]{1,9}(\.[0-9]+)?s") | NULL,
    "descriptions": several(NAME) | NULL,
    "paths": section(),
    "loader": section(),
    "loader.batch_size": whole(1),
    "loader.eval_batch_size": whole(1),
    "loader.num_workers": whole(0, 1024) | one_of("auto"),
    "loader.memory_gb": number(0),
    "loader.device": one_of("cpu", "cuda"),
    "views": section(),
    "views.*": section() | NULL,
    "data": section() | NULL,
    "data.name": NAME,
    "data.reader": one_of("auto", "pyav", "decord"),
    "data.missing": one_of("error", "skip", "keep"),
    "data.damaged": one_of("refuse", "score"),
    "data.mos_range": MOS_RANGE,
    "data.roots": section(),
    "features": section() | NULL,
    "features.*": section(),
    "features.*.name": NAME,
    "features.*.frame_rate_hz": above(0, 1000) | NULL,
    "features.*.frames": whole(1) | NULL,
    "features.*.dtype": one_of("float32", "float16"),
    "features.*.on_error": one_of("skip", "raise"),
    "features.*.time_limit_s": above(0, 1e6),
    "features.*.standardise": FLAG,
    "features.*.rows": one_of("named", "database"),
    "protocol": section(),
    "alignment": section(),
    "logger": section(),
    "trainer": section(),
    "model": section(),
}

_CNN = {"architecture": NAME, "device": DEVICE, "precision": PRECISION, "batch_frames": BATCH}
_VAL = {"val_fraction": VAL_FRACTION, "seed": SEED}
_SHUFFLED = {**_VAL, "test_fraction": FRACTION, "group_by": GROUPING}
_RELEASE = {"missing": RULES["data.missing"]}

OPTIONS: dict[str, dict[str, Rule]] = {
    "pytorch_lightning.Trainer": {
        "accelerator": one_of("auto", "cpu", "gpu", "cuda"),
        "devices": whole(1, 1024) | one_of("auto") | several(whole(0, 1023)),
        "strategy": text("auto or a strategy of Lightning such as ddp", r"auto|[a-z][a-z0-9_]*"),
        "precision": one_of(
            "32-true", "16-mixed", "bf16-mixed", "16-true", "bf16-true", "64-true", "16", "32",
            "64", "bf16", 16, 32, 64,
        ),
        "max_epochs": whole(1, 10**6),
        "accumulate_grad_batches": whole(1),
        "gradient_clip_val": above(0) | NULL,
        "deterministic": FLAG | one_of("warn"),
    },
    "torch.optim.Adam": {"lr": above(0), "weight_decay": number(0)},
    "torch.optim.AdamW": {"lr": above(0), "weight_decay": number(0)},
    "vqa.databases.alignment.fit_linear": {"anchor": NAME},
    "vqa.databases.alignment.inlsa.fit_inlsa": {
        "anchor": NAME, "error_ratio": number(0), "outlier_spreads": above(0) | NULL,
    },
    "vqa.databases.combined.read": {"parts": several(NAME)},
    "vqa.databases.csv_table.read": {**_RELEASE, "mos_range": MOS_RANGE},
    "vqa.databases.liveapv.read": {**_RELEASE, "group_by": one_of("content", "source")},
    "vqa.databases.lsvq.read": {**_RELEASE, "parts": several(one_of("train", "test"), 1, 2)},
    "vqa.databases.youtube_ugc.read": {
        **_RELEASE,
        "resolutions": several(one_of(360, 480, 720, 1080, 2160)),
        "grey": one_of("keep", "drop"),
    },
    "vqa.features.convnet.ConvnetStatistics": _CNN,
    "vqa.features.pooled.PooledFeatures": _CNN,
    "vqa.features.saliency.Saliency": {**_CNN, "jpeg": FLAG, "batch_masks": BATCH},
    "vqa.features.fused.SaliencyFusion": {
        **_CNN, "jpeg": FLAG, "batch_masks": BATCH, "saliency_architecture": NAME,
        "fusion": one_of("input", "featuremap"),
    },
    "vqa.features.gram.Gram": {
        **_CNN,
        "layers": several(NAME),
        "pooling": one_of("max", "mean", "both"),
        "upper": FLAG,
        "frames_per_second": above(0, 1000) | NULL,
    },
    "vqa.features.nss.NSS": {
        "yuv_matrix": one_of("bt601", "original"),
        "double_resize": FLAG,
        "device": DEVICE,
        "precision": one_of("float32", "float64"),
        "workers": THREADS | NULL,
    },
    "vqa.features.openclip.OpenClipWindows": {
        **_CNN,
        "windows": one_of(1, 5, 9, 25, 45, 85),
        "groups": one_of("objective", "subjective") | several(NAME) | NAME | NULL,
        "softmax": one_of("joint", "grouped"),
        "batch_windows": BATCH,
    },
    "vqa.models.clifvqa.CLiFVQA": {
        "branches": one_of("both", "semantic", "spatial"),
        "regression": FLAG,
        "steps": whole(1),
        "backbone_channels": whole(1),
        "map_size": several(whole(1), 3, 3),
        "conv_dim": whole(1),
        "head_dim": whole(1),
        "dropout": share(),
    },
    "vqa.models.fastvqa.FastVQA": {"channels": whole(1), "dropout": share()},
    "vqa.models.gstvqa.GSTVQA": {
        "attention": one_of("std", "concat"),
        "pyramid": FLAG,
        "score": one_of("video", "frame", "fused"),
        "fusion_weight": number(0),
    },
    "vqa.models.inception_iqa.InceptionIQA": {"dropout": share()},
    "vqa.models.losses.monotone_linear_loss": {
        "linearity_weight": number(0), "monotonicity_weight": number(0),
    },
    "vqa.models.losses.plcc_rank_loss": {"rank_weight": number(0)},
    "vqa.models.swin3d.FragmentSwin": {
        "embed_dim": whole(1),
        "depths": several(whole(1)),
        "num_heads": several(whole(1)),
        "window_size": several(whole(1), 3, 3),
        "gated_stages": whole(0),
        "gate": one_of("distance", "binary"),
        "stochastic_depth": share(),
        "checkpointing": FLAG,
    },
    "vqa.models.vsfa.VSFA": {
        "rnn": one_of("gru", "lstm", "none"), "pooling": one_of("subjective", "mean"),
    },
    "vqa.protocols.full": _VAL,
    "vqa.protocols.official": _VAL,
    "vqa.protocols.leave_one_content_out": _VAL,
    "vqa.protocols.holdout": _SHUFFLED,
    "vqa.protocols.repeated": {**_SHUFFLED, "count": whole(1, 10**6)},
    "vqa.protocols.kfold": {
        **_VAL, "group_by": GROUPING, "folds": whole(2, 10**6), "rounds": whole(1, 10**6),
    },
    "vqa.protocols.imported": {
        "count": whole(1, 10**6) | NULL,
        "test_fraction": FRACTION,
        "val_fraction": VAL_FRACTION,
        "reshuffle_seed": SEED | NULL,
        "group_by": GROUPING,
        "missing": one_of("error", "skip"),
    },
    "vqa.protocols.videval": {"count": whole(1, 10**6)},
    "vqa.reports.tracking.WandbTracker": {
        "project": NAME,
        "mode": one_of("online", "offline", "disabled"),
        "entity": NAME | NULL,
        "thumbnails": FLAG,
    },
    "vqa.training.learners.adversarial.AdversarialModule": {
        "frame_weight": number(0), "adversarial_weight": number(0), "refresh_every": whole(1),
    },
    "vqa.training.learners.module.ScoreModule": {
        "on_mos_scale": FLAG, "frozen_epochs": section() | NULL, "learning_rates": RATES | NULL,
    },
    "vqa.training.learners.neural.NeuralLearner": {
        "calibrate": FLAG,
        "checkpoint_every": whole(1),
        "compile": FLAG,
        "ema_decay": share() | NULL,
        "patience": whole(1) | NULL,
        "selection": one_of("last", "val_srocc"),
        "standardise": FLAG,
        "seed": SEED,
    },
    "vqa.training.learners.optimisation.warmup_cosine": {"warmup_epochs": number(0)},
    "vqa.training.learners.starting.published_swin": {"head": FLAG},
    "vqa.training.learners.svr.SVRLearner": {
        "kernel": one_of("rbf", "linear"),
        "C": above(0) | several(above(0)),
        "gamma": above(0) | one_of("scale") | several(above(0) | one_of("scale")),
        "epsilon": number(0),
        "scaler": one_of("minmax", "standard"),
        "scale_target": FLAG,
        "impute": one_of("zero", "mean"),
        "limit": above(0) | NULL,
        "criterion": one_of("logistic_rmse", "r2"),
        "inner": one_of("content", "videval"),
        "workers": THREADS | NULL,
        "seed": SEED,
    },
    "vqa.training.views.FragmentClips": {
        "num_clips": whole(1),
        "training_clips": whole(1),
        "clip_length": whole(1),
        "frame_interval": whole(1),
        "grid_size": whole(1),
        "patch_size": whole(1),
        "aligned": whole(1) | NULL,
        "time_fragments": whole(1) | NULL,
    },
}  # fmt: skip
