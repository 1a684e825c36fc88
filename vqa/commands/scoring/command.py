"""`vqa score`: score files, print and write each score when it is known."""

import hashlib
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from vqa import __version__
from vqa.commands.engines.ray_cluster import connected
from vqa.commands.engines.settings import RAY, EngineSettings
from vqa.commands.memory import keep_freed_memory
from vqa.commands.preflight import check_device, check_folder
from vqa.commands.printing import say
from vqa.commands.scoring.choice import opened
from vqa.commands.scoring.display import Display
from vqa.commands.scoring.job import Job, of_shard, refuse_output
from vqa.commands.scoring.journal import Journal
from vqa.commands.scoring.keeper import Keeper
from vqa.commands.scoring.names import NameList
from vqa.commands.scoring.on_ray import score_on_ray
from vqa.commands.scoring.outputs import (
    DEFAULT,
    Output,
    dataset_of,
    page_of_reasons,
    partial_of,
    wanted,
)
from vqa.commands.scoring.scorer import Scorer
from vqa.commands.scoring.tables import write
from vqa.commands.scoring.workers import score_in_processes
from vqa.databases.unrated import STANDARD_INPUT, Named, Search, is_stream, nothing_found
from vqa.runs.environment import command_line
from vqa.video import RawFormat

FAILED, BELOW = 1, 3  # exit statuses


def main(
    model: str,
    places: Sequence[str],
    *,
    output: str | Path | None = None,
    csv: str | Path | None = None,
    parquet: str | Path | None = None,
    html: str | Path | None = None,
    timeline: str | Path | None = None,
    json_lines: bool = False,
    weights: str | Path | None = None,
    backbone_weights: str | Path | None = None,
    cache: str | Path | None = None,
    device: str = "auto",
    raw: RawFormat | None = None,
    damaged: str = "refuse",
    fps: float | None = None,
    max_seconds: float | None = None,
    identity: str = "content",
    level: float = 0.9,
    workers: int | None = None,
    shard: str | None = None,
    zeros: bool = False,
    fail_below: float | None = None,
    explain: bool = False,
    quiet: bool = False,
    trust: Sequence[str] = (),
    engine: EngineSettings | None = None,
) -> int:
    """Score files, print and write each score when it is known.

    A place that names nothing, among others that do, costs a row with an error. A job that was
    interrupted resumes: rows of its files are reused if model, options and content are the same.

    Returns:
        1 if a file failed; else 3 if a score is below `fail_below`; else 0.

    Args:
        model: A run folder, a model folder, the name of an embedded model, or with `weights` the
            name of a published model.
        places: Files, folders, globs, lists, standard input: see `vqa.databases.unrated.Search`.
        output: A file whose suffix says its form, see `vqa.commands.scoring.outputs`, or a folder
            or URL with a slash at its end for a dataset; without any output it is scores.csv.
        csv: A table as CSV.
        parquet: A table as Parquet.
        html: A page.
        timeline: The frame qualities as CSV.
        json_lines: Print each score as a line of JSON, and everything else on standard error.
        weights: Published weights of `model`.
        backbone_weights: Weights of its backbone.
        cache: Folder of the feature cache; None stores no features.
        device: `auto`, `cpu` or `cuda`.
        raw: Format of headerless .yuv files.
        damaged: `refuse`, or `score` to score damaged files by their good frames.
        fps: See `Scorer`.
        max_seconds: See `Scorer`.
        identity: See `Scorer`.
        level: Probability of the intervals.
        workers: Videos in work at the same time: on a CPU in as many processes, each with the
            model; on a GPU in one process with as many decoders. None is one process, with as many
            decoders as suit the machine.
        shard: `i/n`: score only every nth file, from the ith on; outputs are named after it.
        zeros: Lists end each name with NUL.
        fail_below: Name files with a lower score, and return 3.
        explain: Also say why; if only tables are written, a page is written beside the first.
        quiet: Print no table and no progress.
        trust: Packages besides vqa that the run's configuration may use.
        engine: Where the work is done; None is this machine.

    Raises:
        FileNotFoundError: The places name no video at all.
        ValueError: An output is one of the videos, or an option that cannot be followed.
    """
    keep_freed_memory()
    named = {"csv": csv, "parquet": parquet, "timeline": timeline, "html": html}
    if output is None and not json_lines and not any(named.values()):
        output = DEFAULT
    dataset = dataset_of(output)
    if explain:
        named["html"] = page_of_reasons(output, named, dataset, json_lines=json_lines)
    outputs = wanted(None if dataset else output, named, shard)
    if cache is not None:
        check_folder("cache", cache)
    cluster = engine if engine is not None and engine.name == RAY else None
    if cluster is None:  # workers of a cluster have devices of their own
        check_device("device", device)
    search = Search(zeros=zeros, standard_input=_standard_input(places))
    found = _found(search, places, outputs, shard)
    if not quiet:
        _say_all(search.remarks())
    options: dict[str, Any] = {
        "run": opened(model, weights=weights, backbone_weights=backbone_weights, cache=cache),
        "cache": cache, "device": device, "damaged": damaged, "trust": trust, "level": level,
        "fps": fps, "max_seconds": max_seconds, "identity": identity,
        "explain": explain,
    }  # fmt: skip
    scorer = Scorer(**(options | ({"device": "auto"} if cluster else {})))
    facts = facts_of(scorer)
    total = len(found) if isinstance(found, NameList) else None
    stream = None if quiet else sys.stderr if json_lines else sys.stdout
    display = Display(stream, total, quiet=quiet)
    with (
        closing(display),
        keeper_of(dataset, shard, outputs, scorer, raw, facts) as keeper,
        nullcontext() if cluster is None else connected(cluster) as ray,
    ):
        display.head(facts)
        job = Job(scorer, outputs, keeper, display, json_lines=json_lines, fail_below=fail_below)
        files = job.to_score(found)
        if cluster is not None:
            scores = score_on_ray(ray, cluster, scorer, options, files, raw)
        elif workers is None or workers == 1 or scorer.uses_gpu:
            if workers is not None:
                scorer.use_decoders(workers)
            scores = scorer.score(files, raw=raw)
        else:
            scores = score_in_processes(scorer, options, files, workers, raw)
        with closing(scores):
            for score in scores:
                job.scored(score)
        if total is None and not job.files:
            raise nothing_found(job.causes, search.remarks())
        if keeper is not None:
            for one in outputs:
                rows = keeper.rows(job.places)
                write(one, rows, model=facts, command=command_line(), raw=raw, quiet=quiet)
    if total is None and not quiet:
        _say_all(search.remarks())
    written = [] if dataset is None or keeper is None else [keeper.name]
    display.end(written + [str(one.path) for one in outputs])
    return _status(job, display, facts["scale"])


def facts_of(scorer: Scorer) -> dict[str, Any]:
    """Return what every reader of the scores of a model must know."""
    calibration = scorer.calibration
    rated = None
    if calibration is not None:
        rated = calibration.interval(sum(calibration.mos_range) / 2, scorer.level)
    opinions = [] if calibration is None else calibration.opinions.tolist()
    return {
        "name": scorer.run.folder.name,
        "scale": scorer.mos_range and list(scorer.mos_range),
        "scale_is": scorer.scale_is,
        "opinions": opinions or None,
        "level": scorer.level if rated else None,
        "notes": list(scorer.notes),
        "timeline": scorer.timeline,
    }


@contextmanager
def keeper_of(
    dataset: str | None,
    shard: str | None,
    outputs: Sequence[Output],
    scorer: Scorer,
    raw: RawFormat | None,
    facts: Mapping[str, Any],
) -> Iterator[Keeper | None]:
    """Open what keeps the rows of a job: a dataset, or a journal that goes with the job.

    Yields:
        The keeper; None for a job that writes no file.
    """
    if dataset is None and not outputs:
        yield None
        return
    job = hashlib.sha256(f"{scorer.identity} {raw!r}".encode()).hexdigest()[:16]
    keeper: Keeper
    if dataset is None:
        keeper = Journal(partial_of(outputs), job)
    else:
        from vqa.commands.scoring.dataset import Dataset

        about = {"model": facts["name"], "scale": facts["scale"], "notes": facts["notes"]}
        about |= {"command": command_line(), "version": __version__}
        keeper = Dataset(dataset, job, about, shard and shard.replace("/", "-of-"))
    done = False
    try:
        yield keeper
        done = True
    finally:
        if not done and keeper.count:
            scores = f"{keeper.count} scores of this start are in {keeper.name}"
            say(f"{scores}; rerun the command to resume", sys.stderr)
        keeper.close(done=done)


def _standard_input(places: Sequence[str]) -> int:
    return sys.stdin.fileno() if STANDARD_INPUT in places else 0


def _found(
    search: Search, places: Sequence[str], outputs: Sequence[Output], shard: str | None
) -> NameList | Iterator[Named]:
    """Return what the places name: at once, unless one of them must be read as it is written.

    Raises:
        FileNotFoundError: The places name no video at all.
        ValueError: An output is one of the videos.
    """
    found: NameList | Iterator[Named] = search.named(places)
    if not any(map(is_stream, places)):
        found = NameList(found)
        if not found.files:
            raise nothing_found(found.causes, search.remarks())
        taken = {str(one.path.absolute()) for one in outputs}
        for one in found if taken else ():
            refuse_output(str(one.path), taken)
    if shard is None:
        return found
    part = of_shard(found, shard)
    return NameList(part) if isinstance(found, NameList) else part


def _status(job: Job, display: Display, scale: Sequence[float] | None) -> int:
    """Say what was wrong with the scores, and return the exit status."""
    if job.outside and scale is not None:
        low, high = scale
        display.say(
            f"NOTE: {job.outside} of {display.done} scores lie outside the scale [{low:g}, "
            f"{high:g}]: the model extrapolates"
        )
    if job.below:
        say(f"{job.below} of {display.done} scores are below {job.fail_below:g}", sys.stderr)
    if display.failed:
        say(f"{display.failed} of {display.done} files failed; their rows say why", sys.stderr)
        return FAILED
    return BELOW if job.below else 0


def _say_all(remarks: Iterable[str]) -> None:
    for remark in remarks:
        say(remark, sys.stderr)
