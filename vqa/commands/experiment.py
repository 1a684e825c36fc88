"""An experiment: one model on one database under one protocol, from configuration to objects."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from vqa.commands.building import build
from vqa.commands.configuration import resolved
from vqa.commands.feature_sources import sources_of
from vqa.commands.loading import data_module
from vqa.commands.run_settings import settings_of
from vqa.databases.hashing import hashes_of
from vqa.databases.records import Database, VideoRecord
from vqa.features.extraction.sources import Sources
from vqa.identity import Identities
from vqa.protocols.splits import Split
from vqa.remote.scratch import is_copy
from vqa.runs import Run
from vqa.runs.inputs import described, named_files
from vqa.runs.opening import identity
from vqa.runs.stored import as_data
from vqa.runs.used_features import check_features
from vqa.training.views import FileView, ReadAhead, Views

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from vqa.databases.alignment import Alignment
    from vqa.training.datamodule import VQADataModule

# What a score depends on besides the files of the run: files of its splits.
MODEL_FILES = ("model.safetensors", "learner.json", "alignment.json")


class Experiment:
    """Makes every object of a job from its configuration, each on first use.

    This class alone knows the keys of the configuration, and only here are objects built from it.

    Args:
        config: Plain, resolved settings; `train` ones have all keys.
        trusted: Packages whose targets may be used besides vqa's own, for configuration that comes
            with a run; None allows all, for the user's own.
        trusted_data: The same for the `data` section.
        trained: Folder of the run whose models are used, to compare features with; None for none.
        told: Settings that the trained model is told for this test, by key; they are in `config`.
        before: The experiment as it was trained, if its features are told something.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        trusted: Sequence[str] | None = None,
        trusted_data: Sequence[str] | None = None,
        trained: Path | None = None,
        told: Mapping[str, Any] = MappingProxyType({}),
        before: "Experiment | None" = None,
    ) -> None:
        self.config, self.trusted, self.trusted_data = config, trusted, trusted_data
        self.trained, self.told, self.before = trained, told, before

    @classmethod
    def composed(cls, config: "DictConfig") -> "Experiment":
        """Return the experiment that a composed configuration describes."""
        return cls(resolved(config))

    @classmethod
    def of_run(
        cls,
        run: Run,
        *,
        data: Mapping[str, Any] | None = None,
        paths: Mapping[str, Any],
        device: str = "auto",
        trust: Sequence[str] | None = (),
        told: Mapping[str, Any] = MappingProxyType({}),
    ) -> "Experiment":
        """Return the experiment of a finished run, with its own settings.

        Where it writes is the command's choice: the run's own paths, folder and logger are dropped.

        Args:
            run: The run.
            data: Another `data` section to test on, with the run's reader unless it names one; None
                keeps the run's own.
            paths: Where caches lie (`cache`); without it no features are stored.
            device: Where to compute: `cpu`, `cuda`, or `auto`: the GPU if there is one and the run
                was trained on one.
            trust: Packages besides vqa that the run's configuration may use, installed or in the
                current folder; None allows all, for a run that this very command has trained.
            told: What the trained model is told for this test, by the keys of `test_settings`.

        Raises:
            RunError: As `vqa.commands.run_settings.settings_of`.
            ValueError: Likewise.
        """

        def settings(told: Mapping[str, Any]) -> dict[str, Any]:
            return settings_of(run, data=data, paths=paths, device=device, trust=trust, told=told)

        trusted_data = trust if data is None else None
        of_features = any(key.startswith("features.") for key in told)
        before = cls(settings({}), trust, trusted_data, run.folder) if of_features else None
        return cls(settings(told), trust, trusted_data, run.folder, told, before)

    @property
    def folder(self) -> Path:
        """The run folder: as given, or named after the experiment and the hash of its settings."""
        if self.config.get("folder") is not None:
            return Path(self.config["folder"])
        return Path(self.config["paths"]["runs"]) / f"{self.config['name']}-{self.identity}"

    @property
    def identity(self) -> str:
        """Short hash of the settings that shape the numbers."""
        return identity(self.config)

    @property
    def reader(self) -> str:
        """The decoder to use, `data.reader`."""
        return self.config["data"]["reader"]

    @property
    def reading(self) -> dict[str, Any]:
        """How videos are read: `damaged` (`refuse` or `score`), to score perhaps `max_seconds`."""
        given = {key: self.config["data"].get(key) for key in ("damaged", "max_seconds")}
        return {"damaged": "refuse"} | {key: one for key, one in given.items() if one is not None}

    @property
    def device(self) -> str:
        """Device of trained models: the GPU if there is one, unless `trainer.accelerator=cpu`."""
        accelerator = self.config.get("trainer", {}).get("accelerator", "auto")
        return "cpu" if accelerator == "cpu" else "auto"

    @property
    def uses_features(self) -> bool:
        """True if the model has a view of features."""
        return self.config["views"]["features"] is not None

    @cached_property
    def database(self) -> Database:
        """The database of the `data` section."""
        with self._reading():
            return build(self.config["data"]["read"], self.trusted_data)

    @cached_property
    def identities(self) -> Identities:
        """The identities of files by `data.identity`; those of a database are remembered."""
        data = self.config["data"]
        return Identities(data.get("identity", "content"), remember="read" in data, is_copy=is_copy)

    @cached_property
    def hashes(self) -> dict[str, str]:
        """Identity of each video's file, by id; empty for an absent file."""
        return hashes_of(self.database, self.identities)

    def inputs(self, **more: str) -> dict[str, Any]:
        """Describe everything that the numbers are made from, by content.

        Args:
            **more: Hashes of further files, by what they are.
        """
        return described(self.database, self.hashes, {**named_files(self.config), **more})

    @cached_property
    def sources(self) -> Sources:
        """The sources of what the model reads: its features, and frames of files to score."""
        ahead = [one.source for one in self._file_views.values() if isinstance(one, ReadAhead)]
        if not ahead:
            return self._features
        return Sources([*(self._features.sources if self.uses_features else ()), *ahead])

    @cached_property
    def _features(self) -> Sources:
        """The sources of the model's features.

        See `vqa.commands.feature_sources`.

        Raises:
            RunError: The run whose models are used learned from others.
        """
        with self._reading():
            found = sources_of(
                self.config, lambda: self.database, self.reading, self._build, self.identities
            )
        if self.before is not None:
            _ = self.before._features  # checks the weights of the features that were learned from
        elif self.trained is not None and self.uses_features:
            check_features(self.trained, found.sources)
        return found

    @cached_property
    def _file_views(self) -> dict[str, Any]:
        """The views of video files; those of files to score, without a database, are read ahead."""
        views = {}
        for name, settings in self.config.get("views", {}).items():
            if settings is not None and name != "features":
                made = self._build(settings)
                with self._reading():
                    view = made(reader=self.reader, **self.reading)
                if "read" not in self.config["data"] and isinstance(view, FileView):
                    view = ReadAhead(name, view, self.device, self.identities)
                views[name] = view
        return views

    @cached_property
    def views(self) -> Views:
        """The model's views: `features` from their sources, all others from the video files."""
        if not self.uses_features:
            return Views(self._file_views)
        made = self._build(self.config["views"]["features"])
        with self._reading():
            return Views({"features": made(self._features.sources), **self._file_views})

    @cached_property
    def tracker(self) -> Any:
        """The tracker of the `logger` section, which follows a run besides its folder."""
        return self._build(self.config["logger"])

    @cached_property
    def extractor(self) -> Any:
        """The extractor of `features`, which must be of one kind.

        Raises:
            ValueError: Several kinds, or features that were computed elsewhere.
        """
        kinds = list(self.config["features"].values())
        if len(kinds) > 1 or "extractor" not in kinds[0]:
            names = ", ".join(self.config["features"])
            raise ValueError(f"features={names}: expected one kind that has an extractor")
        return self._build(kinds[0]["extractor"])

    def figure(self, settings: Mapping[str, Any]) -> Any:
        """Return the function that a figure of a study names, with its settings."""
        return self._build({"_partial_": True, **settings})

    def splits(self, database: Database) -> list[Split]:
        """Split a database by the protocol."""
        return list(self._build(self.config["protocol"])(database))

    def alignment(self, database: Database, split: Split) -> "Alignment":
        """Fit what brings the MOS of several databases to one scale, on the training part only."""

        def objective(video: VideoRecord) -> np.ndarray:
            return self.sources.sources[0].load(video).features.double().mean(0).numpy()

        return self._build(self.config["alignment"])(database, split.train, objective)

    def data(self, database: Database, split: Split | None) -> "VQADataModule":
        """Make the loaders of a split, or with None those of any videos."""
        with self._reading():
            return data_module(self.config, database, split, self.views, lambda: self.hashes)

    def learner(self, **replaced: Any) -> Any:
        """Make an untrained learner; settings of `model` may be replaced, such as `trainer`."""
        return self._build({**self.config["model"], **replaced})

    def learned(self, run: Run, split: str) -> Any:
        """Load the learner that a run trained on a split.

        Raises:
            FileNotFoundError: The run has not trained it.
            RunError: Its files are not those that the run wrote, or do not fit the model.
        """
        self.check_models(run, split)
        learner = self.learner()
        with as_data(run.split_folder(split)):
            learner.load(run.split_folder(split), self.device)
        return learner

    def check_models(self, run: Run, split: str | None = None) -> None:
        """Check that the models of a run, or of one split, are those that it trained.

        Raises:
            RunError: A file was changed, or the run is not finished.
        """
        for name in [split] if split else run.parts():
            run.check(f"splits/{name}.json", *(f"{name}/{file}" for file in MODEL_FILES))

    def _build(self, settings: Any) -> Any:
        with self._reading():
            return build(settings, self.trusted)

    def _reading(self) -> AbstractContextManager[None]:
        """Report values of a wrong kind in the configuration of a run as one line."""
        return nullcontext() if self.trusted is None else as_data("the run's config.yaml")
