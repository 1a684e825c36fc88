"""From a configuration to objects; Hydra's `instantiate` is called here alone."""

import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from vqa.databases.alignment import Alignment
from vqa.databases.combined import CombinedDatabase
from vqa.databases.records import Database, VideoRecord
from vqa.features.extraction.cache import FeatureCache, combined_fingerprint, stored_dtype
from vqa.features.extraction.external import ExternalFeatures
from vqa.features.extraction.fill import ExtractionError
from vqa.features.extraction.pipeline import Extractor
from vqa.features.extraction.sources import FeatureSource, Sources
from vqa.features.nothing import Nothing
from vqa.models.pretrained.weights import WeightsError
from vqa.protocols.splits import Split
from vqa.runs import RunError
from vqa.runs.opening import identity
from vqa.training.datamodule import VQADataModule
from vqa.training.views import Views
from vqa.video import VideoError

Config = DictConfig

# SplitError and DatabaseError are ValueErrors.
MENDABLE = (ExtractionError, FileNotFoundError, RunError, ValueError, VideoError, WeightsError)

# What of `conf/features/<name>.yaml` says how an extractor is used.
USE = ("frame_rate_hz", "frames", "dtype", "on_error", "time_limit_s")
OmegaConf.register_new_resolver("names", "-".join, replace=True)


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
    logging.getLogger().addFilter(_told)
    # Lightning's advice on worker counts and validation loops does not fit cached features.
    warnings.filterwarnings("ignore", module=r"pytorch_lightning\..*")
    if config.get("threads"):
        torch.set_num_threads(int(config["threads"]))


def _told(record: logging.LogRecord) -> bool:
    """Whether a line of the root logger is of interest: open_clip tells each step through it."""
    return record.levelno >= logging.WARNING or "open_clip" not in record.pathname


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


def alignment(config: Config, database: Database, split: Split, sources: Sources) -> Alignment:
    """What brings a database's MOS to one scale, fitted on a split's training part alone."""

    def objective(video: VideoRecord) -> np.ndarray:
        return sources.sources[0].load(video.id).features.double().mean(0).numpy()

    return instantiate(config.alignment)(database, split.train, objective)


def learner(config: Mapping[str, Any]) -> Any:
    """A learner that has learned nothing yet; `standardise: null` is what its features ask for."""
    settings = dict(config["model"])
    if "standardise" in settings and settings["standardise"] is None:
        settings["standardise"] = any(one["standardise"] for one in config["features"].values())
    return instantiate(as_config(settings))


def tracker(config: Config) -> Any:
    """Where a run is followed besides its folder."""
    return instantiate(config.logger)


def run_folder(config: Mapping[str, Any]) -> Path:
    """The folder of a run: as given, or named after what it is and the hash of its settings."""
    if config.get("folder"):
        return Path(config["folder"])
    return Path(config["paths"]["runs"]) / f"{config['name']}-{identity(config)}"


def extractor_of(config: Mapping[str, Any]) -> Any:
    """The extractor of a configuration's `features`, which must be one kind.

    Raises:
        ValueError: Several kinds, or features that were computed elsewhere.
    """
    (settings,) = list(config["features"].values())[:1]
    if len(config["features"]) > 1 or "extractor" not in settings:
        raise ValueError(f"features={list(config['features'])}: one with an extractor is needed")
    return instantiate(settings["extractor"])


def sources_of(
    config: Mapping[str, Any], database: str | Database, cache_root: str | Path, reader: str
) -> Sources:
    """Where a configuration's features come from.

    A model without a view of features gets a source of nothing, which checks the files.

    Args:
        config: With `features` and, for a model's own, `views`.
        database: What they describe, or its name.
        cache_root: Where all caches lie.
        reader: Which decoder, `data.reader`.
    """
    if "views" in config and config["views"]["features"] is None:
        return Sources([_extracted(Nothing(), database, cache_root, reader)])
    sources = []
    for settings in config["features"].values():
        if "extractor" in settings:
            extractor = instantiate(settings["extractor"])
            use = {name: settings[name] for name in USE}
            sources.append(_extracted(extractor, database, cache_root, reader, **use))
        else:
            sources.append(_external(settings, database))
    return Sources(sources)


def _extracted(
    extractor: Extractor,
    database: str | Database,
    cache_root: str | Path,
    reader: str,
    *,
    frame_rate_hz: float | None = None,
    frames: int | None = None,
    dtype: str = "float32",
    **options: Any,
) -> FeatureSource:
    """An extractor with the cache of what it makes of a database, used as `extract` says."""
    fingerprint = combined_fingerprint(
        extractor.fingerprint,
        frame_rate_hz=frame_rate_hz,
        dtype=dtype,
        reader=reader,
        **({"frames": frames} if frames else {}),
    )
    name = database
    if isinstance(database, Database):
        name = None if isinstance(database, CombinedDatabase) else database.name
    cache = FeatureCache(cache_root, name, extractor.name, fingerprint)
    options |= {"frame_rate_hz": frame_rate_hz, "frames": frames, "dtype": stored_dtype(dtype)}
    return FeatureSource(extractor, cache, reader, **options)


def _external(settings: Mapping[str, Any], database: str | Database) -> ExternalFeatures:
    """Features from a file, whose rows have names or are those of the label table."""
    if settings["rows"] not in ("named", "database"):
        raise ValueError(f"features.external.rows={settings['rows']!r}; use named or database")
    ids = None
    if settings["rows"] == "database":
        if not isinstance(database, Database) or database.skipped:
            raise ValueError(
                "features.external.rows=database needs a database with all its videos; set "
                "data.missing=keep"
            )
        ids = [video.id for video in database.videos]
    return ExternalFeatures(settings["path"], ids)


def views_of(config: Mapping[str, Any], sources: Sources, reader: str) -> Views:
    """What a model sees: `features` from their sources, every other view from the files."""
    made = {}
    for name, settings in config["views"].items():
        if settings is not None:
            view = instantiate(settings)
            made[name] = view(sources.sources) if name == "features" else view(reader=reader)
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
