"""Weights in installed Python packages, found without importing (running) the packages."""

from importlib.util import find_spec
from pathlib import Path

from vqa.models.pretrained.weights import WeightsError

PREFIX = "package:"  # of `weights`, before the name of a package
SUFFIXES = (".pth", ".pt", ".safetensors")


def packaged_weights(weights: str, remedy: str) -> Path:
    """Return the one file of weights in an installed package.

    Args:
        weights: `package:` and the package's name, as it is imported or as it is installed.
        remedy: What else the user can do, for the error.

    Raises:
        WeightsError: There is no such package, or it does not have exactly one file of weights.
    """
    name = weights.removeprefix(PREFIX).replace("-", "_")
    # A dotted name would import its parents.
    spec = find_spec(name) if name.isidentifier() else None
    if spec is None:
        raise WeightsError(
            f"weights={weights}: expected an installed package, found none of that name; install "
            f"it with pip, {remedy}"
        )
    folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
    files = [
        path
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.suffix in SUFFIXES and path.is_file()
    ]
    if len(files) != 1:
        found = f"{len(files)}, {files[0]} first" if files else "none"
        raise WeightsError(
            f"weights={weights}: expected one file of weights ({', '.join(SUFFIXES)}) in the "
            f"package, found {found}; {remedy}"
        )
    return files[0]
