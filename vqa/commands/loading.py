"""The loaders of an experiment's videos, from its settings."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vqa.databases.records import Database
from vqa.protocols.splits import Split
from vqa.training.views import FragmentClips, StoredClips, Views

if TYPE_CHECKING:
    from vqa.training.datamodule import VQADataModule

FRAGMENTS = "fragments"  # of a cache: the stores


def data_module(
    config: Mapping[str, Any],
    database: Database,
    split: Split | None,
    views: Views,
    identities: Callable[[], Mapping[str, str]],
) -> "VQADataModule":
    """Make the loaders of a split, or with None those of any videos.

    Args:
        config: Settings of the experiment.
        database: The rated videos.
        split: Its parts; a training may have a store of fragments.
        views: The model's views.
        identities: Gives the identity of each video's file, by id.
    """
    from vqa.training.datamodule import VQADataModule
    from vqa.training.hardware import local_processes

    loader, seed = config["loader"], config["seed"]
    draws, view = loader.get("store"), views.views.get("fragments")
    if draws and split is not None and isinstance(view, FragmentClips):
        folder = Path(config["paths"]["cache"]) / FRAGMENTS / config["data"]["name"]
        stored = StoredClips(view, folder, dict(identities()), draws, seed)
        views = Views({**views.views, "fragments": stored})
    return VQADataModule(
        database,
        split,
        views,
        batch_size=loader["batch_size"],
        eval_batch_size=loader["eval_batch_size"],
        num_workers=loader["num_workers"],
        seed=seed,
        each_database=loader.get("each_database", False),
        processes=local_processes(config.get("trainer", {})),
    )
