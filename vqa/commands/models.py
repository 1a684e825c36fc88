"""List the models that can be trained."""

from dataclasses import asdict, dataclass
from pathlib import Path

from vqa.commands import configuration
from vqa.files import user_path


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A choice of `model=`.

    Attributes:
        name: As `model=` takes it.
        summary: The first line of its description.
        features: Kinds of features that its recipe uses; empty for models that read frames.
        file: Its configuration.
    """

    name: str
    summary: str
    features: str
    file: Path


def models(config_dir: str | None = None) -> list[ModelChoice]:
    """List the models of the configuration, sorted by name.

    Args:
        config_dir: A further configuration folder, such as your own.
    """
    more = [user_path(config_dir)] if config_dir else []
    found = []
    for name, path in configuration.choices("model", *more).items():
        summary = next(iter(configuration.head_comment(path)), "").rstrip(".")
        found.append(ModelChoice(name, summary, _features_of(path), path))
    return found


def main(name: str | None = None, *, config_dir: str | None = None, as_json: bool = False) -> int:
    """Print the models, or one model's description and settings.

    Raises:
        UsageError: There is no model of this name.
    """
    found = models(config_dir)
    if name is not None:
        chosen = next((one for one in found if one.name == name), None)
        if chosen is None:
            raise configuration.unknown_name("model", name, [one.name for one in found])
        print(chosen.file.read_text(encoding="utf-8").rstrip())
        return 0
    if as_json:
        import json

        print(json.dumps([asdict(one) | {"file": str(one.file)} for one in found], indent=1))
        return 0
    width = max(len(one.name) for one in found)
    for one in found:
        print(f"{one.name:{width}s}  {one.summary}")
    print("\nvqa models NAME shows the settings of one; vqa train model=NAME trains it")
    return 0


def _features_of(path: Path) -> str:
    """The features that a model's recipe names in its defaults."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if "override /features:" in line:
            features = line.split(":", 1)[1].split("#")[0].strip()
            return "" if features == "none" else features
    return ""
