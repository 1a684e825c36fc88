"""A rated corpus in memory: features whose spread tells the quality, so that networks can learn."""

import functools
from dataclasses import replace
from pathlib import Path

import pytorch_lightning as pl
import torch

from vqa.databases.records import Database, VideoRecord
from vqa.models.gstvqa import GSTVQA
from vqa.models.vsfa import VSFA
from vqa.protocols import holdout
from vqa.training.datamodule import VQADataModule
from vqa.training.learners.adversarial import AdversarialModule
from vqa.training.learners.neural import NeuralLearner
from vqa.training.views import FeatureSequence, Views

DIM = 20


def corpus(count=41):
    """A database of `count` videos of different lengths, and the views on their features."""
    generator = torch.Generator().manual_seed(0)
    features, videos = {}, []
    for index in range(count):
        quality = torch.rand(1, generator=generator).item()
        steps = 33 + index % 9
        noise = torch.rand(steps, DIM, generator=generator)
        features[f"v{index}"] = noise * (0.5 + quality)
        videos.append(VideoRecord(f"v{index}", Path("absent"), 1 + 4 * quality))
    return Database("fake", (1.0, 5.0), tuple(videos)), Views({"features": KeptSequence(features)})


class KeptSequence(FeatureSequence):
    """Sequences that need no cache."""

    def __init__(self, features):
        super().__init__([])
        self.features = features

    def read(self, video):
        return self.features[video.id]


def data_module(*, batch_size=8, eval_batch_size=1, permute_test=False, val_fraction=0.2):
    """Loaders of one split of the corpus; optionally with the test part's MOS permuted."""
    database, views = corpus()
    (split,) = holdout(database, val_fraction=val_fraction)
    if permute_test:
        mos = {video.id: video.mos for video in database.videos}
        other = dict(zip(split.test, [*split.test[1:], split.test[0]], strict=True))
        database = replace(
            database,
            videos=tuple(
                replace(video, mos=mos[other.get(video.id, video.id)]) for video in database.videos
            ),
        )
    return VQADataModule(
        database, split, views, batch_size=batch_size, eval_batch_size=eval_batch_size
    )


def learner(kind, epochs=6, selection="last", **options):
    """A small GSTVQA or VSFA learner on the CPU."""
    trainer = functools.partial(
        pl.Trainer, accelerator="cpu", devices=1, max_epochs=epochs, deterministic=True
    )
    adam = functools.partial(torch.optim.Adam, lr=3e-3)
    if kind == "gstvqa":
        network = functools.partial(GSTVQA, hidden_dim=8, attention_dim=8, reduced_dim=8)
        module = functools.partial(AdversarialModule, refresh_every=2)
        options = {"standardise": True, "module": module} | options
    else:
        network = functools.partial(VSFA, reduced_dim=8, hidden_dim=8)
    return NeuralLearner(network, adam, torch.nn.L1Loss(), trainer, selection=selection, **options)
