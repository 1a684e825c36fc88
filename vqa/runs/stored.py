"""Files of a run folder, read as data: they may come from anyone and be damaged in any way.

Nothing here builds an object that a file names, and whatever is wrong with a file is one line.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from safetensors import SafetensorError

from vqa.files import read_json
from vqa.runs.errors import RunError

LARGEST_CONFIGURATION = 10**6  # bytes; that of a run has a few thousand
# What values of a wrong kind raise where they are used.
DAMAGE = (
    ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, SafetensorError,
    TypeError,
)  # fmt: skip


@contextmanager
def as_data(place: str | Path) -> Iterator[None]:
    """Report values of a wrong kind, which the block took from files of a run, as one line.

    Args:
        place: The file or the run folder, for the error.

    Raises:
        RunError: Such a value.
    """
    try:
        yield
    except (*DAMAGE, RuntimeError) as error:
        if isinstance(error, RuntimeError) and type(error) not in (RuntimeError, RecursionError):
            raise  # of our own or torch's kinds, which say what is wrong
        raise RunError(f"{place}: {damage(error)}") from error


def damage(error: BaseException) -> str:
    """Describe an error that a damaged file of a run caused, in one line."""
    cause = " ".join(str(error).split())[:300]
    return (
        f"a file of the run does not hold what it should ({type(error).__name__}: {cause}); was it "
        "edited or cut off? Take it from a copy"
    )


def read_object(path: Path, /, **kinds: type | tuple[type, ...]) -> dict[str, Any] | None:
    """Read a JSON object, or None if the file is absent.

    Args:
        path: The file.
        **kinds: Type of each key that must be there.

    Raises:
        RunError: Not an object, or a key is absent or of another type.
        ValueError: Not JSON.
    """
    content = read_json(path)
    if content is None:
        return None
    fields = content if isinstance(content, dict) else {}
    wrong = [key for key, kind in kinds.items() if not isinstance(fields.get(key), kind)]
    if wrong or not isinstance(content, dict):
        expected = f"{', '.join(kinds)} of the types that vqa writes" if kinds else "a JSON object"
        raise RunError(
            f"{path}: expected {expected}, found {', '.join(wrong) or type(content).__name__} "
            "otherwise; was it edited or cut off?"
        )
    return content


def read_settings(path: Path) -> dict[str, Any]:
    """Read the configuration of a run: plain values without references of any kind.

    Raises:
        RunError: The file is too large, is not YAML, or holds references.
    """
    if (size := path.stat().st_size) > LARGEST_CONFIGURATION:
        raise RunError(
            f"{path}: expected a configuration of at most {LARGEST_CONFIGURATION} bytes, found "
            f"{size}; choose the folder of a run"
        )
    try:
        text = path.read_text(encoding="utf-8")
        content = yaml.load(text, _PlainLoader)
    except (yaml.YAMLError, ValueError, *DAMAGE) as error:
        reason = " ".join(str(error).split())[:300]
        raise RunError(f"{path}: not YAML ({reason}); was it edited or cut off?") from error
    if "${" in text:
        raise RunError(
            f"{path}: expected plain values, found a reference (${{...}}), which vqa never writes; "
            "take the run from its author again"
        )
    if not isinstance(content, dict):
        raise RunError(f"{path}: expected settings, found {type(content).__name__}")
    return content


def settings_text(settings: Mapping[str, Any]) -> str:
    """Return settings as YAML that `read_settings` reads."""
    return yaml.dump(dict(settings), Dumper=_PlainDumper, sort_keys=False, allow_unicode=True)


class _PlainLoader(yaml.SafeLoader):
    """A safe loader without aliases: nested ones grow to any size."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("an alias (*name), which vqa never writes")
        return super().compose_node(parent, index)


class _PlainDumper(yaml.SafeDumper):
    """A safe dumper that writes a value again where it occurs again."""

    def ignore_aliases(self, data: Any) -> bool:
        return True
