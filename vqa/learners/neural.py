"""A network under Lightning as a learner: fit, resume, select, predict, save, load."""

import csv
import io
import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytorch_lightning as pl
import torch
from lightning_fabric.plugins.io.torch_io import TorchCheckpointIO
from pytorch_lightning.callbacks import Callback, EarlyStopping, ModelCheckpoint
from safetensors.torch import load_file, save
from torch import Tensor, nn

from vqa.datamodule import VQADataModule
from vqa.files import write_atomically
from vqa.learners.base import Prediction
from vqa.learners.module import ScoreModule, merge_by_id
from vqa.progress import progress_bar
from vqa.records import VideoRecord

log = logging.getLogger(__name__)

WEIGHTS_FILE = "model.safetensors"
CARD_FILE = "learner.json"
HISTORY_FILE = "history.csv"
LAST = "last.ckpt"
BEST = "best.ckpt"


class NeuralLearner:
    """Trains a network on feature sequences.

    Args:
        network: Makes the network, given `input_dim`.
        optimizer: Makes an optimiser from parameters.
        loss: Of (score, target), both (B,), target = MOS / largest training MOS.
        trainer: Makes a `pytorch_lightning.Trainer`; length, device and precision are set there.
        module: The Lightning module, `ScoreModule` or one that trains in its own way.
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
        self.selection, self.patience = selection, patience
        self.standardise, self.checkpoint_every, self.seed = standardise, checkpoint_every, seed
        self.module: ScoreModule | None = None
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
        sample = data.view(data.train[0])
        scale = max(abs(video.mos) for video in data.train)
        self.module = self._build(sample.shape[-1], scale)
        if self.standardise:
            self.module.standardise.fit([data.view(video) for video in data.train])
        checkpoints = folder / "checkpoints"
        trainer = self.trainer(
            default_root_dir=folder,
            logger=logger,
            callbacks=self._callbacks(checkpoints),
            plugins=[AtomicCheckpointIO()],
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            use_distributed_sampler=False,
            log_every_n_steps=1,
        )
        last = checkpoints / LAST
        if last.is_file():
            log.info("resuming from %s", last)
        trainer.fit(
            self.module, data, ckpt_path=last if last.is_file() else None, weights_only=True
        )
        if self.module.history and trainer.max_epochs % self.checkpoint_every:
            trainer.save_checkpoint(last, weights_only=False)
        self._device = self.module.device
        if self.selection == "val_srocc":
            best = torch.load(checkpoints / BEST, map_location="cpu", weights_only=True)
            self.module.load_state_dict(best["state_dict"])
        self.module.to(self._device).eval()
        if trainer.is_global_zero:
            write_history(self.module.history, folder / HISTORY_FILE)

    @torch.inference_mode()
    def predict(self, data: VQADataModule, videos: Sequence[VideoRecord]) -> list[Prediction]:
        """Score videos; under DDP each process scores its share and all get all scores."""
        module = self._ready()
        scores: dict[str, float] = {}
        for batch in data.loader(videos):
            out = module(batch["features"].to(self._device), batch["lengths"].to(self._device))
            scores.update(zip(batch["ids"], out.tolist(), strict=True))
        scores = merge_by_id(scores)
        return [Prediction(video.id, video.mos, scores[video.id]) for video in videos]

    @torch.inference_mode()
    def timeline(self, data: VQADataModule, video: VideoRecord) -> np.ndarray:
        """Quality of every described frame on the MOS scale, (T,)."""
        features = data.view(video)[None].to(self._device)
        lengths = torch.tensor([features.shape[1]], device=self._device)
        return self._ready().timeline(features, lengths)[0].float().cpu().numpy()

    @torch.inference_mode()
    def assess(self, features: Tensor) -> tuple[float, np.ndarray]:
        """Score and frame quality of one video's features (T, D), on the MOS scale."""
        module = self._ready()
        batch = features[None].to(self._device, torch.float32)
        lengths = torch.tensor([len(features)], device=self._device)
        timeline = module.timeline(batch, lengths)[0].float().cpu().numpy()
        return module(batch, lengths).item(), timeline

    def save(self, folder: Path) -> None:
        """Write weights and card; `load` rebuilds the learner from them."""
        module = self._ready()
        state = {key: value.cpu().contiguous() for key, value in module.state_dict().items()}
        write_atomically(folder / WEIGHTS_FILE, save(state))
        card = {
            "input_dim": len(module.standardise.mean),
            "mos_scale": float(module.mos_scale),
            "epochs": len(module.history),
            "selection": self.selection,
        }
        write_atomically(folder / CARD_FILE, json.dumps(card, indent=2) + "\n")

    def load(self, folder: Path) -> None:
        """Become the learner that `save` wrote.

        Raises:
            FileNotFoundError: There is none; the run may not be finished.
        """
        if not (folder / WEIGHTS_FILE).is_file():
            raise FileNotFoundError(
                f"no trained model at {folder / WEIGHTS_FILE}; run train.py to its end first"
            )
        card = json.loads((folder / CARD_FILE).read_text())
        self.module = self._build(card["input_dim"], card["mos_scale"])
        self.module.load_state_dict(load_file(folder / WEIGHTS_FILE))
        self.module.eval()

    def _build(self, input_dim: int, mos_scale: float) -> ScoreModule:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            return self.module_factory(
                self.network(input_dim=input_dim),
                self.optimizer,
                self.loss,
                input_dim=input_dim,
                mos_scale=mos_scale,
                seed=self.seed,
            )

    def _ready(self) -> ScoreModule:
        if self.module is None:
            raise RuntimeError("this learner is neither fitted nor loaded")
        return self.module

    def _callbacks(self, checkpoints: Path) -> list[Callback]:
        shared = {
            "dirpath": checkpoints,
            "enable_version_counter": False,
            "save_on_train_epoch_end": True,
        }
        callbacks: list[Callback] = [EpochProgress()]
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


class AtomicCheckpointIO(TorchCheckpointIO):
    """Checkpoints that are whole or absent, whenever the process dies."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        """Write the checkpoint in one step."""
        buffer = io.BytesIO()
        torch.save(checkpoint, buffer)
        write_atomically(path, buffer.getvalue())


class EpochProgress(Callback):
    """One bar over the epochs with the time left, on the first process."""

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Open the bar at the epoch from which training goes on."""
        self.bar = progress_bar(
            trainer.max_epochs,
            "train",
            "epoch",
            initial=trainer.current_epoch,
            disable=not trainer.is_global_zero,
        )

    def on_train_epoch_end(self, trainer: pl.Trainer, module: ScoreModule) -> None:
        """Advance."""
        if module.history:
            shown = {k: f"{v:.4g}" for k, v in module.history[-1].items() if k != "epoch"}
            self.bar.set_postfix(shown, refresh=False)
        self.bar.update()

    def on_train_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Close the bar."""
        self.bar.close()


def write_history(history: list[dict[str, float]], path: Path) -> None:
    """The learning curves as a table, one row per epoch."""
    columns = list(dict.fromkeys(key for row in history for key in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    write_atomically(path, text.getvalue())
