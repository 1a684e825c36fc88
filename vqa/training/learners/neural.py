"""A network under Lightning as a learner: fit, resume, select, predict, save, load."""

import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import (
    Callback,
    EarlyStopping,
    EMAWeightAveraging,
    ModelCheckpoint,
)
from safetensors.torch import load_file, save
from torch import Tensor, nn

from vqa.databases.records import VideoRecord
from vqa.evaluation.metrics.curves import Mapping as Curve
from vqa.files import write_atomically
from vqa.progress import progress_bar
from vqa.training.datamodule import VQADataModule
from vqa.training.learners.base import CARD_FILE, WEIGHTS_FILE, Prediction, stored_model
from vqa.training.learners.calibration import calibration_sample, fit_calibration
from vqa.training.learners.callbacks import AtomicCheckpointIO, TrainingProgress, write_history
from vqa.training.learners.module import ScoreModule, merge_by_id

log = logging.getLogger(__name__)

HISTORY_FILE = "history.csv"
LAST = "last.ckpt"
BEST = "best.ckpt"
PATIENCE_S = 5.0  # shorter predictions show no bar
IDENTITY = Curve("linear", (1.0, 0.0))


class NeuralLearner:
    """Trains a network on what its views show of videos.

    Args:
        network: Makes the network; given `input_dim` where there is a view of features.
        optimizer: Makes an optimiser from parameters.
        loss: Of (score, target), both (B,), target = MOS / largest training MOS.
        trainer: Makes a `pytorch_lightning.Trainer`; length, device and precision are set there.
        module: The Lightning module, `ScoreModule` or one that trains in its own way.
        start: Fills the new network with weights to begin from, in place; None leaves it random.
        ema_decay: Score with a running average of the weights that keeps this share of itself each
            step; None takes the weights as they are.
        calibrate: Bring scores to the MOS scale by a logistic curve fitted to the training part,
            for losses that leave scale and offset open.
        compile: Let torch compile the network.
        selection: `last` takes the last epoch, `val_srocc` the epoch that ranks the validation
            part best. The test part is in no loader that training sees.
        patience: Epochs without a better validation part after which training stops; None never.
        standardise: Bring each feature to zero mean and unit deviation of the training part.
        checkpoint_every: Epochs between the checkpoints that a killed run resumes from.
        seed: Initial weights and everything random in training.
    """

    def __init__(
        self,
        network: Callable[..., nn.Module],
        optimizer: Callable[..., torch.optim.Optimizer],
        loss: Callable[[Tensor, Tensor], Tensor],
        trainer: Callable[..., pl.Trainer],
        module: Callable[..., ScoreModule] = ScoreModule,
        start: Callable[[nn.Module], None] | None = None,
        ema_decay: float | None = None,
        calibrate: bool = False,
        compile: bool = False,
        selection: Literal["last", "val_srocc"] = "last",
        patience: int | None = None,
        standardise: bool = False,
        checkpoint_every: int = 1,
        seed: int = 0,
    ) -> None:
        if selection not in ("last", "val_srocc"):
            raise ValueError(f"selection={selection!r} is not known; use last or val_srocc")
        self.network, self.optimizer, self.loss = network, optimizer, loss
        self.trainer, self.module_factory = trainer, module
        self.start, self.ema_decay = start, ema_decay
        self.calibrate, self.compile = calibrate, compile
        self.selection, self.patience = selection, patience
        self.standardise, self.checkpoint_every, self.seed = standardise, checkpoint_every, seed
        self.module: ScoreModule | None = None
        self.curve = IDENTITY
        self._device = torch.device("cpu")

    def fit(self, data: VQADataModule, folder: Path, logger: Any = False) -> None:
        """Train on `data`, going on from the last checkpoint in `folder` where there is one.

        Raises:
            ValueError: The recipe selects by validation and the split has no validation part.
        """
        if (self.selection == "val_srocc" or self.patience) and not data.val:
            raise ValueError(
                "this recipe selects an epoch by its validation part and the split has none; "
                "set protocol.val_fraction=0.2 or model.selection=last"
            )
        last = folder / "checkpoints" / LAST
        features = data.views.views.get("features")  # asked alone: other views read files
        dim = features(data.train[0]).shape[-1] if features else None
        self.module = self._build(dim, scale=max(abs(video.mos) for video in data.train))
        if self.start is not None and not last.is_file():
            self.start(self.module.network)
        if self.standardise and dim:
            self.module.standardise.fit([features(video) for video in data.train])
        if self.compile:
            self.module.network.compile()
        trainer = self.trainer(
            default_root_dir=folder,
            logger=logger,
            callbacks=self._callbacks(last.parent),
            plugins=[AtomicCheckpointIO()],
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            use_distributed_sampler=False,
            log_every_n_steps=1,
        )
        if last.is_file():
            log.info("resuming from %s", last)
        trainer.fit(
            self.module, data, ckpt_path=last if last.is_file() else None, weights_only=True
        )
        if len(self.module.history) % self.checkpoint_every:
            trainer.save_checkpoint(last, weights_only=False)
        self._device = self.module.device
        if self.selection == "val_srocc" or self.ema_decay is not None:
            # Of the running average too: a training that is resumed at its end does not end anew,
            # and so does not put the average in place.
            chosen = last.with_name(BEST) if self.selection == "val_srocc" else last
            stored = torch.load(chosen, map_location="cpu", weights_only=True)
            self.module.load_state_dict(stored["state_dict"])
        self.module.to(self._device).eval()
        if self.calibrate:
            places = calibration_sample(len(data.train), self.seed)
            rated = self.predict(data, [data.train[place] for place in places])
            self.curve = fit_calibration([row.score for row in rated], [row.mos for row in rated])
        if trainer.is_global_zero:
            write_history(self.module.history, folder / HISTORY_FILE)

    @torch.inference_mode()
    def predict(self, data: VQADataModule, videos: Sequence[VideoRecord]) -> list[Prediction]:
        """Score videos; under DDP each process scores its share and all get all scores."""
        module = self._ready()
        scores: dict[str, float] = {}
        with progress_bar(len(videos), "score", "video", delay=PATIENCE_S) as bar:
            for batch in data.loader(videos):
                out = module(**self._moved(batch["inputs"])).double().cpu().numpy()
                scores.update(zip(batch["ids"], self.curve(out).tolist(), strict=True))
                bar.update(len(batch["ids"]))
        scores = merge_by_id(scores)
        return [Prediction(video.id, video.mos, scores[video.id]) for video in videos]

    @torch.inference_mode()
    def assess(self, inputs: dict[str, Tensor]) -> tuple[float, np.ndarray]:
        """Score of one video and its quality over time, both on the MOS scale.

        Args:
            inputs: A batch of one, as `Views.alone` gives it.

        Returns:
            The score, and (T,) values of frames or clips, as the network has it.
        """
        module = self._ready()
        inputs = self._moved(inputs)
        timeline = module.timeline(**inputs)[0].double().cpu().numpy()
        score = module(**inputs).double().cpu().numpy()
        return float(self.curve(score)[0]), self.curve(timeline)

    def save(self, folder: Path) -> None:
        """Write weights and card; `load` rebuilds the learner from them."""
        module = self._ready()
        state = {key: value.cpu().contiguous() for key, value in module.state_dict().items()}
        write_atomically(folder / WEIGHTS_FILE, save(state))
        card = {
            "input_dim": len(module.standardise.mean) or None,
            "mos_scale": float(module.mos_scale),
            "epochs": len(module.history),
            "selection": self.selection,
            "curve": {"kind": self.curve.kind, "parameters": self.curve.parameters},
        }
        write_atomically(folder / CARD_FILE, json.dumps(card, indent=2) + "\n")

    def load(self, folder: Path) -> None:
        """Become the learner that `save` wrote.

        Raises:
            FileNotFoundError: There is none; the run may not be finished.
        """
        weights, card = stored_model(folder)
        self.module = self._build(card["input_dim"], card["mos_scale"])
        self.module.load_state_dict(load_file(weights))
        trained_on_gpu = getattr(self.trainer, "keywords", {}).get("accelerator") != "cpu"
        if trained_on_gpu and torch.cuda.is_available():
            self._device = torch.device("cuda")
        self.module.to(self._device).eval()
        self.curve = Curve(card["curve"]["kind"], tuple(card["curve"]["parameters"]))

    def _build(self, input_dim: int | None, scale: float) -> ScoreModule:
        sizes = {"input_dim": input_dim} if input_dim else {}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            return self.module_factory(
                self.network(**sizes),
                self.optimizer,
                self.loss,
                input_dim=input_dim,
                mos_scale=scale,
                seed=self.seed,
            )

    def _ready(self) -> ScoreModule:
        if self.module is None:
            raise RuntimeError("this learner is neither fitted nor loaded")
        return self.module

    def _moved(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        return {name: tensor.to(self._device) for name, tensor in inputs.items()}

    def _callbacks(self, checkpoints: Path) -> list[Callback]:
        shared = {
            "dirpath": checkpoints,
            "enable_version_counter": False,
            "save_on_train_epoch_end": True,
        }
        callbacks: list[Callback] = [TrainingProgress()]
        if self.ema_decay is not None:
            callbacks.append(EMAWeightAveraging(use_buffers=False, decay=self.ema_decay))
        if self.patience:
            callbacks.append(
                EarlyStopping("val_srocc", mode="max", patience=self.patience, strict=False)
            )
        if self.selection == "val_srocc":
            callbacks.append(
                ModelCheckpoint(
                    filename=BEST.removesuffix(".ckpt"), monitor="val_srocc", mode="max", **shared
                )
            )
        # After the best one, so that a resumed run never lacks a best epoch that it has passed.
        callbacks.append(
            ModelCheckpoint(
                filename=LAST.removesuffix(".ckpt"),
                every_n_epochs=self.checkpoint_every,
                **shared,
            )
        )
        return callbacks
