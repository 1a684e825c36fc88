"""From a resolved configuration to objects: what the three entry scripts share.

Hydra's `instantiate` is called here and in the entry scripts alone.
"""

import logging
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from vqa.cache import FeatureCache, combined_fingerprint, stored_dtype
from vqa.datamodule import VQADataModule
from vqa.evidence import write_evidence
from vqa.extraction import ExtractionError, Outcome, extract, write_failures
from vqa.features.convnet import WeightsError
from vqa.pipeline import Extractor
from vqa.records import Database, VideoRecord
from vqa.reports import write_report
from vqa.runs import Run, RunError, identity
from vqa.splits import Split
from vqa.views import FeatureSequence

log = logging.getLogger(__name__)

# SplitError and DatabaseError are ValueErrors.
MENDABLE = (ExtractionError, FileNotFoundError, RunError, ValueError, WeightsError)


def resolved(config: DictConfig) -> dict[str, Any]:
    """The configuration as plain values, every reference followed."""
    return OmegaConf.to_container(config, resolve=True, throw_on_missing=True)


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
        cls, config: Mapping[str, Any], database: str, cache_root: str | Path, reader: str
    ) -> "FeatureSource":
        """Build the extractor of a configuration and open its cache for a database."""
        settings = config["features"]
        extractor = instantiate(settings["extractor"])
        fingerprint = combined_fingerprint(
            extractor.fingerprint,
            frame_rate_hz=settings["frame_rate_hz"],
            dtype=settings["dtype"],
            reader=reader,
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
            dtype=stored_dtype(self.settings["dtype"]),
            reader=self.reader,
            on_error=self.settings["on_error"],
            time_limit_s=self.settings["time_limit_s"],
            progress=progress,
        )

    def view(self, memory_gb: float = 4.0, device: str = "cpu") -> FeatureSequence:
        """The features as a model sees them."""
        return FeatureSequence(self.cache, memory_gb, device)


def prepare(run: Run, source: FeatureSource, database: Database) -> Database:
    """Extract what is missing; note failures and absences in the run; return what can be used.

    Raises:
        ExtractionError: No video is left.
    """
    run.describe(database)
    outcome = source.fill(database.videos)
    if not outcome.made and not outcome.reused:
        raise ExtractionError(
            f"none of the {len(database)} videos of {database.name} could be read; "
            f"first cause: {next(iter(outcome.failures.values()), 'the database is empty')}"
        )
    write_failures(outcome.failures, run.folder / "failures.csv")
    if source.extractor.untrained:
        run.note(
            f"The features come from {source.extractor.name} with RANDOM weights "
            "(features.weights=random): the scores say nothing about quality."
        )
    if database.skipped:
        run.note(
            f"{len(database.skipped)} of {len(database.skipped) + len(database)} labelled videos "
            "are absent and were left out (data.missing=skip)."
        )
    if outcome.failures:
        run.note(
            f"{len(outcome.failures)} of {len(database)} videos could not be read and were left "
            "out; failures.csv says why."
        )
    kept = tuple(video for video in database.videos if video.id not in outcome.failures)
    return replace(database, videos=kept)


def data_module(
    config: Mapping[str, Any], database: Database, split: Split | None, view: Any
) -> VQADataModule:
    """Loaders of a split as the `loader` section says."""
    loader = config["loader"]
    return VQADataModule(
        database,
        split,
        view,
        batch_size=loader["batch_size"],
        eval_batch_size=loader["eval_batch_size"],
        num_workers=loader["num_workers"],
        seed=config["seed"],
    )


def load_learner(run: Run, split: str) -> Any:
    """The learner that a run trained on a split, rebuilt from the run's own configuration."""
    learner = instantiate(OmegaConf.create(dict(run.config))["model"])
    learner.load(run.split_folder(split))
    return learner


def conclude(
    run: Run,
    database: Database,
    view: FeatureSequence,
    learner: Callable[[str], Any],
    reader: str,
) -> None:
    """Compute the results, gather evidence for the worst predictions, write the report."""
    run.finish()
    predictions = run.predictions()
    if predictions is None:
        log.info("no video was tested (protocol=full): the trained model is in %s", run.folder)
        return
    loaded: dict[str, Any] = {}

    def timeline(split: str, video: VideoRecord) -> tuple[np.ndarray, np.ndarray]:
        if split not in loaded:
            loaded[split] = learner(split)
        _, quality = loaded[split].assess(view(video))
        return view.times_s(video).numpy(), quality

    write_evidence(run.folder, predictions, database, timeline, reader)
    write_report(run.folder)
