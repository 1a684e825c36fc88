"""The rules of the options of constructors and functions, by their `_target_`.

They hold wherever a section with that target is. Targets of your own code have no rules.
"""

from vqa.commands.rules import (
    BUILT,
    FLAG,
    NULL,
    Rule,
    above,
    number,
    one_of,
    parts_with,
    several,
    share,
    text,
    whole,
)
from vqa.commands.setting_rules import DEVICE, MOS_RANGE, NAME, RULES, SEED, THREADS

PRECISION = one_of("float32", "bfloat16")  # auto is settled before
BATCH = whole(1) | NULL
GROUPING = one_of("content", "video")
FRACTION = above(0, 0.99)
VAL_FRACTION = share()
_CNN = {"architecture": NAME, "device": DEVICE, "precision": PRECISION, "batch_frames": BATCH}
_VAL = {"val_fraction": VAL_FRACTION, "seed": SEED}
_SHUFFLED = {**_VAL, "test_fraction": FRACTION, "group_by": GROUPING}
_RELEASE = {"missing": RULES["data.missing"]}
_RELEASES = [
    f"vqa.databases.{function}"
    for function in (
        "konvid.read", "livevqc.read", "cvd2014.read", "livequalcomm.read", "tid2013.read",
        "lsvq.read_1080p",
    )
]  # fmt: skip
_MEMORY = {"memory_gb": RULES["loader.memory_gb"], "device": RULES["loader.device"]}
_MODULE = {
    "learning_rates": parts_with(above(0)) | NULL,
    "frozen_epochs": parts_with(whole(0)) | NULL,
    "on_mos_scale": FLAG,
}

OPTIONS: dict[str, dict[str, Rule]] = {
    "pytorch_lightning.Trainer": {
        "accelerator": one_of("auto", "cpu", "gpu", "cuda", "mps"),
        "num_nodes": whole(1, 10**5),
        "devices": whole(1, 1024) | one_of("auto") | several(whole(0, 1023)),
        "strategy": text(
            "auto, ddp or ddp_find_unused_parameters_true",
            r"auto|ddp(_spawn|_fork|_notebook)?(_find_unused_parameters_(true|false))?",
        ),
        "precision": one_of(
            "auto", "tf32", "32-true", "16-mixed", "bf16-mixed", "16-true", "bf16-true", "64-true",
            "16", "32", "64", "bf16", 16, 32, 64,
        ),
        "max_epochs": whole(1, 10**6),
        "accumulate_grad_batches": whole(1),
        "gradient_clip_val": above(0) | NULL,
        "deterministic": FLAG | one_of("warn"),
    },
    "torch.nn.SmoothL1Loss": {"beta": above(0)},
    "torch.optim.Adam": {"lr": above(0), "weight_decay": number(0)},
    "torch.optim.AdamW": {"lr": above(0), "weight_decay": number(0)},
    "vqa.databases.alignment.fit_linear": {"anchor": NAME},
    "vqa.databases.alignment.inlsa.fit_inlsa": {
        "anchor": NAME, "error_ratio": number(0), "outlier_spreads": above(0) | NULL,
    },
    **dict.fromkeys(_RELEASES, _RELEASE),
    "vqa.databases.demo.read": {"variant": NAME},
    "vqa.databases.combined.read": {"name": NAME, "parts": several(NAME)},
    "vqa.databases.csv_table.read": {**_RELEASE, "name": NAME, "mos_range": MOS_RANGE},
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
    "vqa.features.saliency_correlation.SaliencyCorrelation": {
        **_CNN, "jpeg": FLAG, "batch_masks": BATCH, "saliency_architecture": NAME,
        "stem": one_of("ordinary", "skipped"),
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
    "vqa.features.timm_stages.TimmStages": {**_CNN, "stages": several(whole(-100, 99)) | NULL},
    "vqa.models.clifvqa.CLiFVQA": {
        "backbone": BUILT | NULL,
        "branches": one_of("both", "semantic", "spatial"),
        "regression": FLAG,
        "steps": whole(1),
        "backbone_channels": whole(1),
        "map_size": several(whole(1), 3, 3),
        "conv_dim": whole(1),
        "head_dim": whole(1),
        "dropout": share(),
    },
    "vqa.models.fastvqa.FastVQA": {"backbone": BUILT, "channels": whole(1), "dropout": share()},
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
    "vqa.models.mdtvsfa.MDTVSFA": {"databases": several(NAME)},
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
    "vqa.models.tabular.Tabular": {
        "scalings": several(one_of("rank_gauss", "minmax"), 1, 2),
        "components": whole(1), "members": whole(1), "hidden_dim": whole(1), "dropout": share(),
    },
    "vqa.models.tabular.prepare": {"period": whole(1) | NULL},
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
        "runs": one_of("experiment", "split"),
    },
    "vqa.training.learners.adversarial.AdversarialModule": {
        **_MODULE,
        "frame_weight": number(0),
        "adversarial_weight": number(0),
        "refresh_every": whole(1),
    },
    "vqa.training.learners.mixed.MixedDatabasesModule": _MODULE,
    "vqa.training.learners.ensemble.EnsembleModule": {**_MODULE, "mixing": number(0)},
    "vqa.training.learners.module.ScoreModule": _MODULE,
    "vqa.training.learners.neural.NeuralLearner": {
        "network": BUILT,
        "optimizer": BUILT,
        "loss": BUILT,
        "module": BUILT | NULL,
        "prepare": BUILT | NULL,
        "start": BUILT | NULL,
        "calibrate": FLAG,
        "checkpoint_every": whole(1),
        "compile": FLAG,
        "ema_decay": share() | NULL,
        "patience": whole(1) | NULL,
        "selection": one_of("last", "val_srocc"),
        "scale_target": FLAG,
        "standardise": FLAG,
        "seed": SEED,
    },
    "vqa.training.learners.optimisation.step_decay": {
        "every_epochs": whole(1), "factor": above(0, 1),
    },
    "vqa.training.learners.optimisation.warmup_cosine": {"warmup_epochs": number(0)},
    "vqa.training.learners.starting.published_swin": {"head": FLAG},
    "vqa.training.learners.svr.SVRLearner": {
        "kernel": one_of("rbf", "linear"),
        "C": above(0) | several(above(0)),
        "gamma": above(0) | one_of("scale") | several(above(0) | one_of("scale")),
        "epsilon": number(0),
        "scaler": one_of("minmax", "standard", "rank_gauss"),
        "scale_target": FLAG,
        "impute": one_of("zero", "mean"),
        "limit": above(0) | NULL,
        "criterion": one_of("logistic_rmse", "r2"),
        "inner": one_of("content", "videval"),
        "workers": THREADS | NULL,
        "seed": SEED,
    },
    "vqa.training.views.FeatureSequence": {**_MEMORY, "crop_length": whole(1) | NULL},
    "vqa.training.views.FeatureVector": _MEMORY,
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
