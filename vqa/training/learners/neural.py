"""A network as a learner: fit, resume, select, predict, save, load.

This module imports no Lightning, so a trained network scores without it; `fitting` trains.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn

from vqa.databases.records import VideoRecord
from vqa.evaluation.metrics.curves import Curve
from vqa.files import write_atomically, write_json
from vqa.models.pretrained.devices import chosen_device
from vqa.progress import progress_bar
from vqa.training.errors import loading
from vqa.training.learners.base import CARD_FILE, WEIGHTS_FILE, Prediction, stored_model
from vqa.training.learners.divergence import finite, finite_score
from vqa.training.learners.scoring import ScoringNetwork
from vqa.training.processes import merge_by_id

if TYPE_CHECKING:
    import pytorch_lightning as pl

    from vqa.training.datamodule import VQADataModule
    from vqa.training.learners.module import ScoreModule

PATIENCE_S = 5.0  # shorter predictions show no progress bar
IDENTITY = Curve("linear", (1.0, 0.0))
UNTOLD = "quality over time, as the network defines it; the score need not be its mean"
CALIBRATED = " before both were calibrated to the MOS scale"


class NeuralLearner:
    """Trains a network on its views of videos.

    Args:
        network: Makes the network; called with `input_dim` if there is a view of features.
        optimizer: Makes an optimiser from parameters.
        loss: Function of (score, target), both (B,); target = MOS / largest training MOS, unless
            `scale_target` is set.
        trainer: Makes a `pytorch_lightning.Trainer`, which sets length, device and precision.
        module: Makes the Lightning module: a `ScoreModule` or one that trains in its own way; None
            takes `ScoreModule`.
        prepare: Fits what a network of vectors learns before its training, in place; called with
            the network, the scaled features (N, D) and labels (N,) of the training part. None:
            nothing.
        start: Fills the new network with initial weights, in place; None keeps the random ones.
        ema_decay: Score with a running average of the weights that keeps this share of itself at
            each step; None uses the weights themselves.
        calibrate: Map scores to the MOS scale by a logistic curve fitted to the training part, for
            losses that leave scale and offset open.
        compile: Let torch compile the network.
        selection: `last` takes the last epoch, `val_srocc` the epoch with the best SROCC on the
            validation part. Training never sees the test part.
        patience: Stop after this many epochs without a better validation SROCC; None never stops.
        standardise: Scale each feature to zero mean and unit deviation on the training part.
        scale_target: Train on MOS less their mean, divided by their deviation.
        checkpoint_every: Epochs between the checkpoints that an interrupted run resumes from.
        seed: Seeds the initial weights and everything random in training.
    """

    def __init__(
        self,
        network: Callable[..., nn.Module],
        optimizer: Callable[..., torch.optim.Optimizer],
        loss: Callable[[Tensor, Tensor], Tensor],
        trainer: Callable[..., "pl.Trainer"],
        module: Callable[..., "ScoreModule"] | None = None,
        prepare: Callable[[nn.Module, Tensor, Tensor], None] | None = None,
        start: Callable[[nn.Module], None] | None = None,
        ema_decay: float | None = None,
        calibrate: bool = False,
        compile: bool = False,
        selection: Literal["last", "val_srocc"] = "last",
        patience: int | None = None,
        standardise: bool = False,
        scale_target: bool = False,
        checkpoint_every: int = 1,
        seed: int = 0,
    ) -> None:
        if selection not in ("last", "val_srocc"):
            raise ValueError(f"selection={selection!r}: expected last or val_srocc")
        self.network, self.optimizer, self.loss = network, optimizer, loss
        self.trainer, self.module_factory = trainer, module
        self.prepare, self.start, self.ema_decay = prepare, start, ema_decay
        self.calibrate, self.compile = calibrate, compile
        self.selection, self.patience = selection, patience
        self.standardise, self.scale_target = standardise, scale_target
        self.checkpoint_every, self.seed = checkpoint_every, seed
        self.module: ScoringNetwork | None = None
        self.curve = IDENTITY
        self.epochs = 0
        self.device = torch.device("cpu")

    def begin_from(self, state: Mapping[str, Tensor], parts: Sequence[str] | None) -> None:
        """Start training from the weights of another model of the same shape."""
        from vqa.training.learners.starting import trained_parts

        self.start = partial(trained_parts, state=state, parts=parts)

    def fit(self, data: "VQADataModule", folder: Path, logger: Any = False) -> None:
        """Train on `data`, resuming from the last checkpoint in `folder` if there is one.

        Raises:
            ValueError: The recipe selects by validation and the split has no validation part.
        """
        from vqa.training.learners.fitting import fit_network

        fit_network(self, data, folder, logger)

    @torch.inference_mode()
    def predict(self, data: "VQADataModule", videos: Sequence[VideoRecord]) -> list[Prediction]:
        """Score videos; under DDP each process scores its share and all get all scores.

        Raises:
            TrainingError: A score is not finite, or a loading process was killed.
        """
        module = self._ready()
        prepare(data, module, self.device)
        ids: list[str] = []
        parts: list[Tensor] = []
        bar = progress_bar(len(videos), "score", "video", delay=PATIENCE_S)
        with bar, loading():
            for batch in data.batches(videos):
                parts.append(module.score(self.moved(batch["inputs"])))
                ids += batch["ids"]
                bar.update(len(batch["ids"]))
        found = torch.cat(parts).cpu().double().numpy() if parts else np.empty(0)
        scores = merge_by_id(dict(zip(ids, self.curve(found).tolist(), strict=True)))
        return finite([Prediction(video.id, video.mos, scores[video.id]) for video in videos])

    @property
    def timeline_is(self) -> str:
        """What the network says its timeline is; calibration bends it and the score alike."""
        told = getattr(self._ready().network, "timeline_is", UNTOLD)
        return told if self.curve.kind == "linear" else told + CALIBRATED

    @torch.inference_mode()
    def assess(self, inputs: dict[str, Tensor]) -> tuple[float, np.ndarray]:
        """Score one video and its quality over time, both on the MOS scale.

        Args:
            inputs: A batch of one, from `Views.alone`.

        Returns:
            The score, and (T,) values per frame or clip, depending on the network.

        Raises:
            TrainingError: The score is not finite.
        """
        module = self._ready()
        score, timeline = module.score_and_timeline(**self.moved(inputs))
        value = self.curve(score.cpu().double().numpy())
        quality = self.curve(timeline[0].cpu().double().numpy())
        return finite_score(float(value[0])), quality

    @torch.inference_mode()
    def hidden_states(self, data: "VQADataModule", videos: Sequence[VideoRecord]) -> np.ndarray:
        """Return the mean hidden state of each video (N, h), in their order, of GSTVQA."""
        module = self._ready()
        prepare(data, module, self.device)
        bar = progress_bar(len(videos), "hidden states", "video", delay=PATIENCE_S)
        states: dict[str, Tensor] = {}
        with bar, loading():
            for batch in data.batches(videos):
                found = module.mean_hidden(self.moved(batch["inputs"]))
                states |= zip(batch["ids"], found, strict=True)
                bar.update(len(batch["ids"]))
        return torch.stack([states[video.id] for video in videos]).cpu().double().numpy()

    def save(self, folder: Path) -> None:
        """Write weights and card; `load` rebuilds the learner from them."""
        module = self._ready()
        state = {key: value.cpu().contiguous() for key, value in module.state_dict().items()}
        write_atomically(folder / WEIGHTS_FILE, save(state))
        card = {
            "input_dim": module.input_dim,
            "mos_scale": float(module.mos_scale),
            "mos_offset": module.mos_offset,
            "epochs": self.epochs,
            "selection": self.selection,
            "curve": {"kind": self.curve.kind, "parameters": self.curve.parameters},
        }
        write_json(folder / CARD_FILE, card)

    def load(self, folder: Path, device: str = "cpu") -> None:
        """Restore the learner that `save` wrote.

        Args:
            folder: Of the split.
            device: Where to score: `cpu`, `cuda`, or `auto` for the GPU if there is one.

        Raises:
            FileNotFoundError: There is no saved learner; the run may not be finished.
        """
        weights, card = stored_model(folder)
        dim = card["input_dim"]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            network = self.new_network(dim)
        self.module = ScoringNetwork(
            network,
            input_dim=dim,
            mos_scale=card["mos_scale"],
            mos_offset=card["mos_offset"],
        )
        self.module.load_trained(load_file(weights))
        self.device = chosen_device(device)
        self.module.to(self.device).eval()
        self.epochs = card["epochs"]
        self.curve = Curve(card["curve"]["kind"], tuple(card["curve"]["parameters"]))

    def new_network(self, input_dim: int | None) -> nn.Module:
        """Build the network from torch's random state; None means it has no feature sequence."""
        return self.network(**({"input_dim": input_dim} if input_dim else {}))

    def _ready(self) -> ScoringNetwork:
        if self.module is None:
            raise RuntimeError("this learner is neither fitted nor loaded")
        return self.module

    def moved(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return inputs with their tensors on the device of the network."""
        return {
            name: value.to(self.device) if isinstance(value, Tensor) else value
            for name, value in inputs.items()
        }


def prepare(data: "VQADataModule", module: ScoringNetwork, device: torch.device) -> None:
    """Let the loaders give features as a network on a device takes them."""
    network, scale = module.network, module.standardise
    data.prepare(
        device,
        scale=deepcopy(scale).cpu() if module.input_dim and scale.is_fitted else None,
        condense=getattr(network, "condense", None),
        takes_rows=getattr(network, "takes_rows", False),
        dtype=module.mos_scale.dtype,
    )
