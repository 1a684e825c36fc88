"""The outputs of a scoring job: which files it writes, and in which form.

Each is written in one step at the end, so a file under its own name is complete, and what was there
before stays until then.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from vqa.commands.preflight import check_folder
from vqa.commands.scoring.manifest import is_ours
from vqa.features.extraction.fill import shard_of
from vqa.files import shown, user_path
from vqa.remote.addresses import protocol_of

# Forms of the scores by suffix; a timeline is another table.
FORMS = {
    ".csv": "csv", ".json": "json", ".jsonl": "jsonl", ".parquet": "parquet", ".html": "html",
}  # fmt: skip
EXPLAINED = ("html", "json", "jsonl")  # forms that hold explanations
NO_REASONS = (
    "--explain: a dataset holds no explanations; write a file instead, such as -o scores.jsonl"
)
DEFAULT = "scores.csv"
# First bytes of files that a job wrote, and that the next one may replace.
OURS = (
    b"video,score,frames,", b"video,time_s,", b'{\n "notes":', b'{"notes":', b'{"video":',
    b'{"job":',
)  # fmt: skip
PAGE = b'<meta name="generator" content="vqa">'  # near the beginning of our pages
PARQUET = b"PAR1"
HEAD_BYTES = 2**10


@dataclass(frozen=True, slots=True)
class Output:
    """One file.

    Attributes:
        path: Its path.
        form: One of `FORMS`, or `timeline`.
    """

    path: Path
    form: str


def wanted(
    output: str | Path | None, named: Mapping[str, str | Path | None], shard: str | None = None
) -> list[Output]:
    """Return the outputs that a job was asked for, checked before any work.

    Args:
        output: A file whose suffix says its form; a .csv has its timelines beside it.
        named: Form -> further files, of any name.
        shard: `i/n`; the outputs of shards are named after them.

    Raises:
        ValueError: An unknown suffix, a place that cannot be written to, something else than
            scores in its place, or the same file twice.
    """
    if shard is not None:
        shard_of((), shard)  # is it one?
    found = [] if output is None else [Output(of_shard(output, shard), _form(output))]
    for form, path in named.items():
        if path is not None:
            found.append(Output(of_shard(path, shard), form))
    if not any(one.form == "timeline" for one in found):
        found += [
            Output(one.path.with_name(f"{one.path.stem}.timeline.csv"), "timeline")
            for one in found
            if one.form == "csv"
        ]
    _check(found)
    return found


def page_of_reasons(
    output: str | Path | None,
    named: Mapping[str, str | Path | None],
    dataset: str | None,
    *,
    json_lines: bool,
) -> str | Path | None:
    """Return the page of a job with explanations, which tables do not hold; None for no page.

    Args:
        output: As for `wanted`, or a dataset.
        named: As for `wanted`, with `html`; the page is beside the first table.
        dataset: See `dataset_of`.
        json_lines: The rows are printed with their explanations.

    Raises:
        ValueError: The rows are kept in a dataset, which would lose them.
    """
    if dataset is not None:
        raise ValueError(NO_REASONS)
    if named["html"] is not None or json_lines:
        return named["html"]
    if output is not None and FORMS.get(Path(output).suffix.lower()) in EXPLAINED:
        return None
    first = next(one for one in (output, *named.values()) if one is not None)
    return Path(first).with_suffix(".html")


def dataset_of(output: str | Path | None) -> str | None:
    """Return the folder or URL of a dataset that an output names; None if it names a file.

    A dataset is named by a slash at its end, or by a folder that holds one already.

    Examples:
        >>> from vqa.commands.scoring.outputs import dataset_of
        >>> dataset_of("scores/"), dataset_of("s3://bucket/scores/"), dataset_of("scores.csv")
        ('scores', 's3://bucket/scores', None)
    """
    text = "" if output is None else str(output)
    if text.endswith("/") and text.strip("/"):
        text = text.rstrip("/")
        if not protocol_of(text):
            check_folder("output", text)
        return text
    return text if text and not protocol_of(text) and is_dataset(user_path(text)) else None


def is_dataset(folder: Path) -> bool:
    """Return whether a folder holds a dataset of scores, or the beginning of one."""
    return folder.is_dir() and is_ours(one.name for one in folder.iterdir())


def of_shard(output: str | Path, shard: str | None) -> Path:
    """Return the path of an output, named after its shard if there is one.

    Examples:
        >>> from vqa.commands.scoring.outputs import of_shard
        >>> of_shard("scores.csv", "2/8").name
        'scores.2-of-8.csv'
    """
    path = user_path(output)
    if shard is None:
        return path
    return path.with_name(f"{path.stem}.{shard.replace('/', '-of-')}{path.suffix}")


def partial_of(outputs: Iterable[Output]) -> Path:
    """Return where the rows are while the job runs."""
    first = next(iter(outputs)).path
    return first.with_name(first.name + ".partial")


def _form(path: str | Path) -> str:
    form = FORMS.get(user_path(path).suffix.lower())
    if form is None:
        raise ValueError(
            f"output={shown(path)}: expected a name that ends in {', '.join(FORMS)}, or in / for "
            "a dataset"
        )
    return form


def _check(outputs: list[Output]) -> None:
    places: dict[Path, Output] = {}
    for one in outputs:
        path, name = one.path, shown(one.path)
        check_folder("output", path.parent)
        if path.exists() and not path.is_file():
            raise ValueError(f"output={name}: expected a file, found something else")
        for file in (path, partial_of([one])):
            if file.is_file() and not _is_ours(file):
                raise ValueError(
                    f"output={shown(file)}: this file exists and holds no scores; choose another "
                    "name or delete it"
                )
        if path.absolute() in places:
            raise ValueError(f"output={name}: two outputs have this name; give each its own")
        places[path.absolute()] = one


def _is_ours(file: Path) -> bool:
    """Return whether a file is empty or was written by a scoring job."""
    with file.open("rb") as content:
        head = content.read(HEAD_BYTES)
    if head.startswith(PARQUET):
        return _holds_scores(file)
    return not head or head.startswith(OURS) or PAGE in head


def _holds_scores(file: Path) -> bool:
    """Return whether a Parquet file was written by a scoring job."""
    try:
        from pyarrow.parquet import read_schema

        return read_schema(file).names[:3] == ["video", "score", "frames"]
    except (OSError, ValueError):
        return False
