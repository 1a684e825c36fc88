"""Toy trainings of the models of conf/model, in one process or in several of this machine."""

import multiprocessing
import os
import pickle
import signal
import socket
import sys
from pathlib import Path

import numpy as np
import torch
from pytorch_lightning.callbacks import Callback

from vqa.commands.building import build
from vqa.commands.configuration import compose, resolved
from vqa.databases.combined import CombinedDatabase
from vqa.databases.records import VideoRecord
from vqa.protocols.splits import Split
from vqa.training.datamodule import VQADataModule
from vqa.training.hardware import chosen_hardware
from vqa.training.views import FeatureSequence, FeatureVector, Views

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(
    ["torch", "pytorch_lightning", "torchvision", "tests.training.together",
     "vqa.training.learners.fitting", "vqa.training.learners.adversarial",
     "vqa.training.learners.mixed"]
)  # fmt: skip

SWIN = [
    "model.start.weights=random", "loader.num_workers=0", "model.network.backbone.embed_dim=8",
    "model.network.backbone.depths=[1,1]", "model.network.backbone.num_heads=[1,2]",
    "model.network.backbone.window_size=[2,4,4]", "model.network.backbone.gated_stages=1",
    "model.network.backbone.stochastic_depth=0.3",
]  # fmt: skip
# Everything random is on: dropout, stochastic depth, the views' own draws.
MODELS = {
    "gstvqa": ["model=gstvqa", "model.module.refresh_every=2"],
    "vsfa-gru": ["model=vsfa"],
    "vsfa-lstm": ["model=vsfa", "model.network.rnn=lstm"],
    "fastvqa": ["model=fastvqa", "model.network.channels=16", *SWIN],
    "clifvqa": [
        "model=clifvqa", "features=multiscale", "model.network.backbone_channels=16",
        "model.network.map_size=[2,4,4]", "model.network.steps=8", "model.network.dropout=0.5",
        *SWIN,
    ],
    "mdtvsfa": ["model=mdtvsfa", "model.network.databases=[toy,other]"],
    "tabular": ["model=tabular", "model.prepare.period=4", "model.network.dropout=0.5"],
    "inception_iqa": ["model=inception_iqa", "model.start.weights=random", "loader.num_workers=0"],
}  # fmt: skip
DIM = 20


class Sequences(FeatureSequence):
    """Random sequences whose spread tells the quality; they need no cache."""

    def __init__(self):
        super().__init__([])

    def read(self, video):
        drawn = np.random.default_rng(int(video.id[1:]))
        steps = 33 + int(video.id[1:]) % 9
        return torch.from_numpy(drawn.random((steps, DIM), np.float32)) * (0.5 + video.mos)


class Vectors(FeatureVector):
    """The means of the sequences."""

    def __init__(self):
        super().__init__([])
        self.sequences = Sequences()

    def read(self, video):
        return self.sequences(video).mean(0)


class Pixels:
    """Random pixels whose contrast tells the quality; training adds noise of its own draws."""

    def __init__(self, *shape):
        self.shape = shape

    def __call__(self, video, rng=None):
        drawn = np.random.default_rng(int(video.id[1:]))
        pixels = 128 + 20 * video.mos * (drawn.random(self.shape) - 0.5)
        pixels += 0 if rng is None else rng.normal(0, 4, self.shape)
        return torch.from_numpy(pixels.clip(0, 255).astype(np.uint8))

    def collate(self, name, samples):
        return {name: torch.stack(list(samples))}


VIEWS = {
    "features": Sequences,
    "vqa.training.views.FeatureVector": Vectors,
    "fragments": lambda: Pixels(2, 4, 32, 32, 3),
    "image": lambda: Pixels(3, 139, 139),
}


def toy(model, *overrides, train=13, val=7, test=5, batch_size=6):
    """The learner and the data of a model of conf/model, with odd counts of videos."""
    config = resolved(compose("train", [*MODELS[model], "trainer.max_epochs=3", *overrides]))
    drawn = np.random.default_rng(0)
    videos = [
        VideoRecord(
            f"v{index}",
            Path("absent"),
            3 + 2 * drawn.random(),
            group="toy" if index % 3 else "other",
        )
        for index in range(train + val + test)
    ]
    ids = [video.id for video in videos]
    split = Split(
        "split0",
        ids[:train],
        ids[train : train + val],
        ids[train + val :],
        group_by="video",
        seed=0,
    )
    wanted = {name: view["_target_"] for name, view in config["views"].items() if view}
    views = Views({name: (VIEWS.get(target) or VIEWS[name])() for name, target in wanted.items()})
    database = CombinedDatabase("toy", (1.0, 5.0), tuple(videos))
    each = config["loader"]["each_database"]
    data = VQADataModule(database, split, views, batch_size=batch_size, each_database=each)
    settings = config["model"]
    trainer = chosen_hardware(settings["trainer"]).settings(settings["trainer"])
    return build({**settings, "trainer": trainer}), data


def train(model, folder, processes=1, *overrides, stop=None, **counts):
    """Train with a global batch of six videos; `stop` is the epoch and step of a SIGTERM.

    Returns:
        The scores of all videos (N,), and the history.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if processes == 1:
        _share(model, folder, 0, 1, 0, overrides, counts)
    else:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        shares = [
            SERVER.Process(
                target=_share, args=(model, folder, rank, processes, port, overrides, counts, stop)
            )
            for rank in range(processes)
        ]
        for share in shares:
            share.start()
        for share in shares:
            share.join()
        codes = [share.exitcode for share in shares]
        assert codes == [0] * processes, codes
    scores, history = zip(
        *(pickle.loads((folder / f"{rank}.pickle").read_bytes()) for rank in range(processes)),
        strict=True,
    )
    for other in range(1, processes):
        assert scores[other] == scores[0]
        assert history[other] == history[0]
    return np.array(scores[0]), history[0]


class Stop(Callback):
    """Sends this process a SIGTERM at the beginning of a step."""

    def __init__(self, epoch, step):
        self.place = epoch, step

    def on_train_batch_start(self, trainer, module, batch, index):
        if (trainer.current_epoch, index) == self.place:
            os.kill(os.getpid(), signal.SIGTERM)


def _end(number, frame):
    sys.exit(128 + number)


def _share(model, folder, rank, processes, port, overrides, counts, stop=None):
    """Train as one of the processes; the last of them gets the signal of `stop`."""
    torch.set_num_threads(1)
    if processes > 1:
        os.environ |= {
            "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "LOCAL_RANK": str(rank),
            "NODE_RANK": "0", "WORLD_SIZE": str(processes),
        }  # fmt: skip
        overrides = [
            "trainer=ddp", "trainer.accelerator=cpu", f"trainer.devices={processes}", *overrides,
        ]  # fmt: skip
    learner, data = toy(model, *overrides, batch_size=6 // processes, **counts)
    if stop is not None:
        signal.signal(signal.SIGTERM, _end)
        if rank == processes - 1:
            plain = learner.trainer
            learner.trainer = lambda callbacks, **options: plain(
                callbacks=[Stop(*stop), *callbacks], **options
            )
    learner.fit(data, folder)
    rows = learner.predict(data, [*data.train, *data.val, *data.test])
    result = [row.score for row in rows], learner.module.history
    (folder / f"{rank}.pickle").write_bytes(pickle.dumps(result))
