"""Training of a neural learner under Lightning: checkpoints, selection, calibration."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean, pstdev
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed
from pytorch_lightning.callbacks import (
    Callback,
    EarlyStopping,
    EMAWeightAveraging,
    ModelCheckpoint,
)

from vqa.evaluation.calibration import calibration_sample, fit_calibration
from vqa.evaluation.metrics.checks import MIN_VIDEOS
from vqa.training.datamodule import VQADataModule
from vqa.training.errors import TrainingError, loading
from vqa.training.learners.callbacks import TrainingProgress, write_history
from vqa.training.learners.checkpoints import (
    BEST,
    LAST,
    CheckpointIO,
    newest_whole,
    read_checkpoint,
)
from vqa.training.learners.divergence import Diverged, cause
from vqa.training.learners.module import ScoreModule
from vqa.training.learners.neural import prepare
from vqa.training.learners.pace import Pace
from vqa.training.learners.saving import SaveState
from vqa.training.learners.sending import SendHistory
from vqa.training.learners.stopping import OrderlyStop
from vqa.training.processes import end_with_launcher, in_turn, is_first_process

if TYPE_CHECKING:
    import pytorch_lightning as pl

    from vqa.training.learners.neural import NeuralLearner

log = logging.getLogger(__name__)

HISTORY_FILE = "history.csv"


def fit_network(learner: "NeuralLearner", data: VQADataModule, folder: Path, logger: Any) -> None:
    """Train a learner's network and leave it on the learner, ready to score.

    Args:
        learner: Holds the recipe; gets `module`, `curve`, `epochs` and `device`.
        data: Loaders of the split.
        folder: Of the split; training resumes from the last checkpoint there.
        logger: Lightning's, or False.

    Raises:
        ValueError: The recipe needs a validation part that the split does not have, or settings of
            the trainer that its training does not support.
        TrainingError: The training diverged, or a process of it died; the last good checkpoint
            stays, so that the same command resumes from it.
        OSError: A checkpoint cannot be read or written.
    """
    if learner.selection == "val_srocc" or learner.patience:
        _check_validation(data)
    checkpoints = folder / "checkpoints"
    resumed = newest_whole(checkpoints, best=learner.selection == "val_srocc")
    features = data.views.views.get("features")  # read alone: other views would decode the files
    dim = features(data.train[0]).shape[-1] if features else None
    mos = [video.mos for video in data.train]
    if learner.scale_target:
        module = new_module(learner, dim, pstdev(mos) or 1.0, fmean(mos))
    else:
        module = new_module(learner, dim, max(map(abs, mos)) or 1.0)
    if learner.standardise and dim:
        module.standardise.fit(torch.atleast_2d(features(video)) for video in data.train)
    if learner.prepare is not None and resumed is None:
        vectors = torch.stack([features(video) for video in data.train]).float().cpu()
        target = (torch.tensor(mos) - module.mos_offset) / module.mos_scale
        learner.prepare(module.network, module.standardise(vectors), target)
    if learner.start is not None and resumed is None:
        learner.start(module.network)
    if learner.compile:
        module.network.compile()
    trainer = learner.trainer(
        default_root_dir=folder,
        logger=logger,
        callbacks=[
            *([Pace(data)] if data.reads_files else []),
            *_callbacks(learner, checkpoints, logger),
        ],
        plugins=[CheckpointIO([resumed] if resumed else [])],
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        log_every_n_steps=1,
    )
    _check_supported(trainer, module)
    prepare(data, module, trainer.strategy.root_device)
    with loading(), in_turn():
        data.gather()
    if resumed:
        log.info("resuming from %s", resumed)
    if trainer.world_size > 1:
        end_with_launcher()
    with loading(), _explained(trainer, data):
        trainer.fit(module, data, ckpt_path=resumed, weights_only=True)
    last = checkpoints / LAST
    if len(module.history) % learner.checkpoint_every:
        trainer.save_checkpoint(last, weights_only=False)
    # Lightning leaves the module on the CPU; it scores where it was trained.
    learner.module, learner.epochs = module, len(module.history)
    learner.device = trainer.strategy.root_device
    if learner.selection == "val_srocc" or learner.ema_decay is not None:
        # The running average is loaded too: a training that resumes at its end does not end again,
        # so it would not put the average in place.
        chosen = checkpoints / (BEST if learner.selection == "val_srocc" else LAST)
        module.load_state_dict(read_checkpoint(chosen)["state_dict"])
    module.to(learner.device).eval()
    if learner.calibrate:
        places = calibration_sample(len(data.train), learner.seed)
        rated = learner.predict(data, [data.train[place] for place in places])
        learner.curve = fit_calibration([row.score for row in rated], [row.mos for row in rated])
    if trainer.is_global_zero:
        write_history(module.history, folder / HISTORY_FILE)


def new_module(
    learner: "NeuralLearner", input_dim: int | None, scale: float, offset: float = 0.0
) -> ScoreModule:
    """Build a learner's untrained Lightning module, with the initial weights of its seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(learner.seed)
        return (learner.module_factory or ScoreModule)(
            learner.new_network(input_dim),
            learner.optimizer,
            learner.loss,
            input_dim=input_dim,
            mos_scale=scale,
            mos_offset=offset,
            seed=learner.seed,
        )


def _check_validation(data: VQADataModule) -> None:
    """Refuse to select an epoch by a validation part whose SROCC is undefined."""
    labels = [video.mos for video in data.val]
    if not labels:
        raise ValueError(
            "this recipe selects an epoch by its validation part and the split has none; "
            "set protocol.val_fraction=0.2 or model.selection=last"
        )
    if len(labels) < MIN_VIDEOS or len(set(labels)) == 1:
        raise ValueError(
            "this recipe selects an epoch by the SROCC of its validation part: expected at least "
            f"{MIN_VIDEOS} videos and 2 different MOS, found {len(labels)} and {len(set(labels))}; "
            "use a larger validation part (protocol.val_fraction) or set model.selection=last"
        )


def _check_supported(trainer: "pl.Trainer", module: ScoreModule) -> None:
    """Refuse settings that Lightning applies only to trainings with one optimiser."""
    found = {
        "accumulate_grad_batches": trainer.accumulate_grad_batches != 1,
        "gradient_clip_val": bool(trainer.gradient_clip_val),
    }
    if not module.automatic_optimization and (names := [name for name in found if found[name]]):
        raise ValueError(
            f"trainer.{names[0]}: this model trains two networks in turn and expected none, found "
            f"{getattr(trainer, names[0])}; leave it out"
        )


@contextmanager
def _explained(trainer: "pl.Trainer", data: VQADataModule) -> Iterator[None]:
    """Report what ends a training as one `TrainingError`, on the first process."""
    try:
        yield
    except Diverged as error:
        if not is_first_process():
            raise SystemExit(0) from error  # with another status, Lightning would kill the first
        rates = [
            group.get("initial_lr", group["lr"])
            for optimizer in trainer.optimizers
            for group in optimizer.param_groups
        ]
        why = cause([*data.train, *data.val], data.views.views.get("features"), rates)
        raise TrainingError(
            f"{data.split.name}: the training diverged in epoch {trainer.current_epoch}: {error}; "
            f"{why}"
        ) from error
    except RuntimeError as error:
        if "find_unused_parameters" in str(error):
            if not is_first_process():
                raise SystemExit(0) from error
            raise TrainingError(
                f"{data.split.name}: expected a gradient for every parameter of the network at "
                "each step, found some without; call requires_grad_(False) on them, or set "
                "trainer.strategy=ddp_find_unused_parameters_true"
            ) from error
        if trainer.world_size == 1 or not _is_lost_connection(error):
            raise
        raise TrainingError(
            f"{data.split.name}: another process of the training ended in epoch "
            f"{trainer.current_epoch}: it was killed, or its own message says why; rerun the "
            "command to resume"
        ) from error


def _is_lost_connection(error: RuntimeError) -> bool:
    """Return whether an error says that another process has gone."""
    return isinstance(error, torch.distributed.DistError) or "gloo" in str(error)


def _callbacks(learner: "NeuralLearner", checkpoints: Path, logger: Any) -> list[Callback]:
    shared = {
        "dirpath": checkpoints,
        "enable_version_counter": False,
        "save_on_train_epoch_end": True,
    }
    stop = OrderlyStop()
    callbacks: list[Callback] = [stop, TrainingProgress()]
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
    sent = SendHistory(learner.checkpoint_every) if logger else None
    callbacks += [sent] if sent else []
    callbacks.append(
        SaveState(checkpoints / LAST, stop, learner.checkpoint_every, sent.send if sent else None)
    )
    return callbacks
