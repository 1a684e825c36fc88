"""List the models that can be trained, and those inside the package that score at once."""

from dataclasses import asdict, dataclass
from pathlib import Path

from vqa.commands import configuration
from vqa.files import user_path
from vqa.runs.opening import embedded


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
    """Print the models, or one model's description: its settings, or the card of a trained one.

    Raises:
        UsageError: There is no model of this name.
    """
    found, trained = models(config_dir), embedded()
    if name in trained:
        print((trained[name] / "README.md").read_text(encoding="utf-8").rstrip())
        return 0
    if name is not None:
        chosen = next((one for one in found if one.name == name), None)
        if chosen is None:
            known = [*trained, *(one.name for one in found)]
            raise configuration.unknown_name("model", name, known)
        print(chosen.file.read_text(encoding="utf-8").rstrip())
        return 0
    if as_json:
        import json

        ready = [
            {"name": key, "summary": _summary_of(path), "features": "", "file": str(path)}
            for key, path in trained.items()
        ]
        print(
            json.dumps(
                [*(asdict(one) | {"file": str(one.file)} for one in found), *ready], indent=1
            )
        )
        return 0
    width = max(len(one) for one in (*trained, *(one.name for one in found)))
    for key, path in trained.items():
        print(f"{key:{width}s}  {_summary_of(path)}")
    if trained:
        print(f"\nvqa score clip.mp4 --model {next(iter(trained))} scores with it; these train:\n")
    for one in found:
        print(f"{one.name:{width}s}  {one.summary}")
    print("\nvqa models NAME shows one; vqa train model=NAME trains it")
    return 0


def _features_of(path: Path) -> str:
    """The features that a model's recipe names in its defaults."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if "override /features:" in line:
            features = line.split(":", 1)[1].split("#")[0].strip()
            return "" if features == "none" else features
    return ""


def _summary_of(folder: Path) -> str:
    """The first sentence of a model's card."""
    lines = (folder / "README.md").read_text(encoding="utf-8").splitlines()
    text = next((line for line in lines[1:] if line.strip()), "")
    return text.partition(";")[0].rstrip(".")
