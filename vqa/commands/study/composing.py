"""From the overrides of a study to experiments, in the size of the paper or of a smoke test."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import yaml

from vqa.commands import configuration
from vqa.commands.experiment import Experiment
from vqa.commands.overrides import value_of

SMOKE = "study/_smoke.yaml"


class Composer:
    """Composes the trainings and the databases of one study.

    Args:
        given: Overrides of the user, which win.
        roots: Folders of databases by their names in `data=`, for those not in `paths.data`.
        smoke: None, or the content of conf/study/_smoke.yaml: demo databases and tiny sizes.
        config_dir: A further configuration folder.
    """

    def __init__(
        self,
        given: Sequence[str] = (),
        *,
        roots: Mapping[str, str] | None = None,
        smoke: Mapping[str, Any] | None = None,
        config_dir: str | None = None,
    ) -> None:
        self.roots = dict(roots or {})
        # Settings of features reach only what has these features.
        self.of_features = [word for word in given if key_of(word).startswith("features.")]
        self.given = [word for word in given if word not in self.of_features]
        self.unused = list(self.of_features)
        self.smoke, self.config_dir = smoke, config_dir
        self._composed = cache(self._compose)

    def __call__(self, *overrides: str) -> Experiment:
        """Return the experiment of these overrides of `train`."""
        return Experiment(self._composed(tuple(merged(overrides, self.given))))

    def _compose(self, overrides: tuple[str, ...]) -> dict[str, Any]:
        words = list(overrides)
        keys = {key_of(word): value for word in words if (value := word.partition("=")[2])}
        if (root := self.roots.get(keys.get("data", ""))) is not None:
            words.append(f"data.root={configuration.quoted(root)}")
        if self.smoke is not None:
            # A variant of the demo stands for a database.
            demo = self.smoke["databases"].get(keys.get("data", "demo"), ["data=demo"])
            kept = [key for key in words if key_of(key).split(".")[0] not in ("data", "alignment")]
            words = merged(kept, demo, self.smoke["always"], self.given)
            config = self._resolved(words)
            # What a model brings may have to be made small as well.
            while (more := merged(words, self._tiny(config), self.given)) != words:
                words, config = more, self._resolved(more)
        else:
            config = self._resolved(words)
        if late := [
            one for one in self.of_features if key_of(one).split(".")[1] in config["features"]
        ]:
            self.unused = [word for word in self.unused if word not in late]
            config = self._resolved([*words, *late])
        return config

    def _tiny(self, config: Mapping[str, Any]) -> Iterator[str]:
        """Yield the overrides that make what a configuration has small."""
        smoke = self.smoke or {}
        yield from smoke["models"].get(config["model_name"], ())
        yield from smoke["learners"].get(config["model"]["_target_"].rpartition(".")[2], ())
        yield from smoke["protocols"].get(config["protocol"]["_target_"].rpartition(".")[2], ())
        for name in config["features"]:
            yield from smoke["features"].get(name, ())

    def _resolved(self, words: Sequence[str]) -> dict[str, Any]:
        composed = configuration.compose("train", merged(words), self.config_dir)
        return configuration.resolved(composed)


def merged(*lists: Iterable[str]) -> list[str]:
    """Join overrides; of several with one key the last stays."""
    last: dict[str, str] = {}
    for word in (word for words in lists for word in words):
        key = key_of(word)
        last.pop(key, None)
        last[key] = word
    return list(last.values())


def key_of(override: str) -> str:
    """Return the key of an override, without `+`, `++` or `~`."""
    return override.partition("=")[0].lstrip("+~")


def is_of_data(override: str) -> bool:
    """Return whether an override chooses or sets the database."""
    return key_of(override).split(".")[0] == "data"


def split_by_time(
    train: Sequence[str], test: Sequence[str], test_settings: Sequence[str]
) -> tuple[list[str], dict[str, Any]]:
    """Return the overrides that shape a training, and the settings of its test by key.

    Args:
        train: Overrides of the training; a test setting among them moves to the test.
        test: Overrides of the test that are not of its database.
        test_settings: Keys that a trained model can still be told.
    """
    late = [word for word in train if key_of(word) in test_settings]
    kept = [word for word in train if word not in late]
    return kept, {key_of(word): value_of(word) for word in merged(late, test)}


def smoke_settings() -> dict[str, Any]:
    """Return what replaces databases and sizes in smoke size."""
    path = configuration.conf_folder() / SMOKE
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content
