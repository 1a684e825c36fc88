"""A sweep of trainings: its jobs, its folder, and its table over the seeds."""

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from vqa.commands import configuration
from vqa.commands.overrides import FOLDER_FLAGS
from vqa.files import user_path
from vqa.runs.opening import INCIDENTAL, identity

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from vqa.runs import Run


class Sweep:
    """The jobs of `vqa train -m`, summed up when all have ended.

    Args:
        arguments: Overrides and flags of the command.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        self.arguments = list(arguments)
        self.jobs: list[Any] = []

    @property
    def words(self) -> list[str]:
        """Further overrides that the sweep needs."""
        return []

    @cached_property
    def parsed(self) -> list[Any]:
        """The overrides as Hydra reads them."""
        from hydra.core.override_parser.overrides_parser import OverridesParser

        found = [
            word
            for before, word in zip(["", *self.arguments], self.arguments, strict=False)
            if not word.startswith("-") and before not in FOLDER_FLAGS
        ]
        return list(OverridesParser.create().parse_overrides(found))

    @cached_property
    def keys(self) -> list[str]:
        """The swept settings."""
        return [one.key_or_group for one in self.parsed if one.is_sweep_override()]

    @cached_property
    def first(self) -> "DictConfig":
        """The configuration of the first job, with Hydra's own settings."""
        from vqa.commands.hydra_app import config_folder

        words = []
        for one in self.parsed:
            if one.is_interval_sweep():
                words.append(f"{one.get_key_element()}={one.value().start}")
            elif one.is_sweep_override():
                words.append(f"{one.get_key_element()}={next(one.sweep_string_iterator())}")
            else:
                words.append(one.input_line)
        return configuration.compose("train", words, config_folder(self.arguments), with_hydra=True)

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The settings of the first job, unchecked: it may be the one that fails."""
        from omegaconf import OmegaConf

        own = [str(key) for key in self.first if key != "hydra"]
        found = OmegaConf.to_container(OmegaConf.masked_copy(self.first, own), resolve=True)
        return cast("dict[str, Any]", found)

    @cached_property
    def folder(self) -> Path:
        """The sweep's folder: the same for the same sweep of the same settings."""
        words = sorted(
            one.input_line
            for one in self.parsed
            if one.key_or_group.split(".")[0] not in (*INCIDENTAL, "hydra")
        )
        text = "\n".join([*words, identity(self.settings)])
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        return user_path(self.settings["paths"]["runs"]) / f"sweep-{digest}"

    def job(self, config: "DictConfig") -> Any:
        """Train."""
        from vqa.commands.train import main

        return main(config)

    def done(self, run: "Run") -> float | None:
        """Note the run of a job; return what a search maximises."""
        from vqa.runs.sweeps import Job

        self.jobs.append(Job(self._values(), run))
        return None

    def failed(self, error: str) -> None:
        """Note why a job failed."""
        from vqa.runs.sweeps import Job

        self.jobs.append(Job(self._values(), None, error))

    def finish(self) -> None:
        """Write table and page, and print the table; nothing without jobs."""
        from vqa.commands.sweeps.table import conclude
        from vqa.training.processes import is_first_process

        if self.jobs and is_first_process():
            conclude(self.jobs, self.folder)

    def _values(self) -> dict[str, str]:
        """The swept settings of the job that runs."""
        from hydra.core.hydra_config import HydraConfig

        typed = (word.partition("=") for word in HydraConfig.get().overrides.task)
        values = {key.lstrip("+"): value for key, _, value in typed}
        return {key: values[key] for key in self.keys if key in values}
