"""From a configuration to objects; Hydra's `instantiate` is called here alone."""

import logging
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from vqa.alignment import Alignment
from vqa.cache import FeatureCache, combined_fingerprint, stored_dtype
from vqa.databases.combined import CombinedDatabase
from vqa.datamodule import VQADataModule
from vqa.extraction import ExtractionError, Outcome, extract
from vqa.features.weights import WeightsError
from vqa.pipeline import Extractor
from vqa.records import Database, VideoRecord
from vqa.runs import RunError, identity
from vqa.splits import Split
from vqa.video import VideoError
from vqa.views import Views

Config = DictConfig

# SplitError and DatabaseError are ValueErrors.
MENDABLE = (ExtractionError, FileNotFoundError, RunError, ValueError, VideoError, WeightsError)


def resolved(config: Config) -> dict[str, Any]:
    """The configuration as plain values, every reference followed."""
    return OmegaConf.to_container(config, resolve=True, throw_on_missing=True)


def as_config(plain: Mapping[str, Any]) -> Config:
    """The inverse of `resolved`."""
    return OmegaConf.create(dict(plain))


def set_up(config: Mapping[str, Any]) -> None:
    """Prepare the process: log to the terminal, intra-op threads, quiet third parties."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    for name in ("pytorch_lightning.utilities.rank_zero", "pytorch_lightning.accelerators.cuda"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # Lightning's advice on worker counts and validation loops does not fit cached features.
    warnings.filterwarnings("ignore", module=r"pytorch_lightning\..*")
    if config.get("threads"):
        torch.set_num_threads(int(config["threads"]))


@contextmanager
def readable_errors() -> Iterator[None]:
    """Turn the errors that a user can mend into one line and exit status 1.

    What a configured object raises comes wrapped by Hydra; the wrapping is taken off. Other errors
    keep their trace, and with HYDRA_FULL_ERROR=1 all do.
    """
    if os.environ.get("HYDRA_FULL_ERROR"):
        yield
        return
    try:
        yield
    except InstantiationException as error:
        if isinstance(error.__cause__, MENDABLE):
            raise SystemExit(f"error: {error.__cause__}") from error
        raise
    except MENDABLE as error:
        raise SystemExit(f"error: {error}") from error


def database(config: Config) -> Database:
    """The database that a `data` section names."""
    return instantiate(config.read)


def splits(config: Config, database: Database) -> list[Split]:
    """The splits of a database under a configuration's protocol."""
    return list(instantiate(config.protocol)(database))


def alignment(config: Config, database: Database, split: Split, cache: FeatureCache) -> Alignment:
    """What brings a database's MOS to one scale, fitted on a split's training part alone."""

    def objective(video: VideoRecord) -> np.ndarray:
        return cache.load(video.id).features.double().mean(0).numpy()

    return instantiate(config.alignment)(database, split.train, objective)


def learner(config: Mapping[str, Any]) -> Any:
    """A learner that has learned nothing yet."""
    return instantiate(as_config(config).model)


def tracker(config: Config) -> Any:
    """Where a run is followed besides its folder."""
    return instantiate(config.logger)


def run_folder(config: Mapping[str, Any]) -> Path:
    """The folder of a run: as given, or named after what it is and the hash of its settings."""
    if config.get("folder"):
        return Path(config["folder"])
    return Path(config["paths"]["runs"]) / f"{config['name']}-{identity(config)}"


@dataclass
class FeatureSource:
    """An extractor and the cache of its features of one database.

    Attributes:
        settings: The `features` section of a configuration.
        extractor: What computes features.
        cache: Where they lie.
        reader: Which decoder, `data.reader`.
    """

    settings: Mapping[str, Any]
    extractor: Extractor
    cache: FeatureCache
    reader: str

    @classmethod
    def of(
        cls,
        config: Mapping[str, Any],
        database: str | Database,
        cache_root: str | Path,
        reader: str,
    ) -> "FeatureSource":
        """Build the extractor of a configuration and open its cache for a database or its name."""
        if isinstance(database, Database):
            database = None if isinstance(database, CombinedDatabase) else database.name
        settings = config["features"]
        extractor = instantiate(settings["extractor"])
        fingerprint = combined_fingerprint(
            extractor.fingerprint,
            frame_rate_hz=settings["frame_rate_hz"],
            dtype=settings["dtype"],
            reader=reader,
            **({"frames": settings["frames"]} if settings.get("frames") else {}),
        )
        cache = FeatureCache(cache_root, database, extractor.name, fingerprint)
        return cls(settings, extractor, cache, reader)

    def fill(self, videos: Sequence[VideoRecord], progress: bool = True) -> Outcome:
        """Bring the cache up to date for these videos."""
        return extract(
            videos,
            self.extractor,
            self.cache,
            frame_rate_hz=self.settings["frame_rate_hz"],
            frames=self.settings.get("frames"),
            dtype=stored_dtype(self.settings["dtype"]),
            reader=self.reader,
            on_error=self.settings["on_error"],
            time_limit_s=self.settings["time_limit_s"],
            progress=progress,
        )

    def views(self, config: Mapping[str, Any]) -> Views:
        """What a model sees: `features` from the cache, every other view from the files."""
        made = {}
        for name, settings in config["views"].items():
            if settings is not None:
                view = instantiate(settings)
                made[name] = view(self.cache) if name == "features" else view(reader=self.reader)
        return Views(made)


def data_module(
    config: Mapping[str, Any], database: Database, split: Split | None, views: Views
) -> VQADataModule:
    """Loaders of a split as the `loader` section says."""
    loader = config["loader"]
    return VQADataModule(
        database,
        split,
        views,
        batch_size=loader["batch_size"],
        eval_batch_size=loader["eval_batch_size"],
        num_workers=loader["num_workers"],
        seed=config["seed"],
    )
