"""Training of a neural learner under Lightning: checkpoints, selection, calibration."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from pytorch_lightning.callbacks import (
    Callback,
    EarlyStopping,
    EMAWeightAveraging,
    ModelCheckpoint,
)

from vqa.training.datamodule import VQADataModule
from vqa.training.learners.calibration import calibration_sample, fit_calibration
from vqa.training.learners.callbacks import AtomicCheckpointIO, TrainingProgress, write_history
from vqa.training.learners.module import ScoreModule
from vqa.training.learners.stopping import OrderlyStop

if TYPE_CHECKING:
    from vqa.training.learners.neural import NeuralLearner

log = logging.getLogger(__name__)

HISTORY_FILE = "history.csv"
LAST = "last.ckpt"
BEST = "best.ckpt"


def fit_network(learner: "NeuralLearner", data: VQADataModule, folder: Path, logger: Any) -> None:
    """Train a learner's network and leave it on the learner, ready to score.

    Args:
        learner: Holds the recipe; gets `module`, `curve`, `epochs` and `device`.
        data: Loaders of the split.
        folder: Of the split; training resumes from the last checkpoint there.
        logger: Lightning's, or False.

    Raises:
        ValueError: The recipe selects by validation and the split has no validation part.
    """
    if (learner.selection == "val_srocc" or learner.patience) and not data.val:
        raise ValueError(
            "this recipe selects an epoch by its validation part and the split has none; "
            "set protocol.val_fraction=0.2 or model.selection=last"
        )
    last = folder / "checkpoints" / LAST
    features = data.views.views.get("features")  # read alone: other views would decode the files
    dim = features(data.train[0]).shape[-1] if features else None
    module = new_module(learner, dim, scale=max(abs(video.mos) for video in data.train))
    if learner.start is not None and not last.is_file():
        learner.start(module.network)
    if learner.standardise and dim:
        module.standardise.fit([features(video) for video in data.train])
    if learner.compile:
        module.network.compile()
    trainer = learner.trainer(
        default_root_dir=folder,
        logger=logger,
        callbacks=_callbacks(learner, last.parent),
        plugins=[AtomicCheckpointIO()],
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        log_every_n_steps=1,
    )
    if last.is_file():
        log.info("resuming from %s", last)
    trainer.fit(module, data, ckpt_path=last if last.is_file() else None, weights_only=True)
    if len(module.history) % learner.checkpoint_every:
        trainer.save_checkpoint(last, weights_only=False)
    learner.module, learner.epochs, learner.device = module, len(module.history), module.device
    if learner.selection == "val_srocc" or learner.ema_decay is not None:
        # The running average is loaded too: a training that resumes at its end does not end again,
        # so it would not put the average in place.
        chosen = last.with_name(BEST) if learner.selection == "val_srocc" else last
        stored = torch.load(chosen, map_location="cpu", weights_only=True)
        module.load_state_dict(stored["state_dict"])
    module.to(learner.device).eval()
    if learner.calibrate:
        places = calibration_sample(len(data.train), learner.seed)
        rated = learner.predict(data, [data.train[place] for place in places])
        learner.curve = fit_calibration([row.score for row in rated], [row.mos for row in rated])
    if trainer.is_global_zero:
        write_history(module.history, folder / HISTORY_FILE)


def new_module(learner: "NeuralLearner", input_dim: int | None, scale: float) -> ScoreModule:
    """Build a learner's untrained Lightning module, with the initial weights of its seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(learner.seed)
        return (learner.module_factory or ScoreModule)(
            learner.new_network(input_dim),
            learner.optimizer,
            learner.loss,
            input_dim=input_dim,
            mos_scale=scale,
            seed=learner.seed,
        )


def _callbacks(learner: "NeuralLearner", checkpoints: Path) -> list[Callback]:
    shared = {
        "dirpath": checkpoints,
        "enable_version_counter": False,
        "save_on_train_epoch_end": True,
    }
    callbacks: list[Callback] = [OrderlyStop(), TrainingProgress()]
    if learner.ema_decay is not None:
        callbacks.append(EMAWeightAveraging(use_buffers=False, decay=learner.ema_decay))
    if learner.patience:
        callbacks.append(
            EarlyStopping("val_srocc", mode="max", patience=learner.patience, strict=False)
        )
    if learner.selection == "val_srocc":
        callbacks.append(
            ModelCheckpoint(
                filename=BEST.removesuffix(".ckpt"), monitor="val_srocc", mode="max", **shared
            )
        )
    # Last, so that a resumed run never lacks a best epoch that it has already passed.
    callbacks.append(
        ModelCheckpoint(
            filename=LAST.removesuffix(".ckpt"),
            every_n_epochs=learner.checkpoint_every,
            **shared,
        )
    )
    return callbacks
