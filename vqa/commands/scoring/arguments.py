"""The flags of `vqa score`; imports nothing heavy, because every command builds them."""

import argparse
import sys
from importlib import import_module
from typing import TYPE_CHECKING

from vqa.commands import model_flags
from vqa.commands.engines import arguments as engines
from vqa.commands.engines.settings import SLURM
from vqa.commands.rules import above, flag, number, whole
from vqa.commands.setting_rules import RULES
from vqa.identity import KINDS

if TYPE_CHECKING:
    from vqa.commands.scoring.choice import Choice

EPILOG = """\
examples:
  vqa score clip.mp4                                     the embedded model, ugc
  vqa score runs/<run> videos/ 'more/*.mkv' list.txt -o scores.json
  vqa score videos/ --model vsfa --weights VSFA.pt       weights that its authors published
  find . -name '*.mp4' -print0 | vqa score - -0 --json   each score as a line of JSON
  vqa score encoded/ --fail-below 3 && publish encoded/  a gate in a pipeline

The first word is the model if it is a run or model folder or the name of an embedded model, and
videos follow; otherwise all words are videos. Rows are written to <output>.partial as they finish
and become the outputs at the end; rerun the command to resume an interrupted job.

exit status:
  0  every file has a score
  1  a file failed, its row says why; also if scores are below --fail-below
  2  wrong use
  3  every file has a score, and one is below --fail-below"""


def add(score: argparse.ArgumentParser) -> None:
    """Add the flags, and the job that they describe."""
    score.usage = "%(prog)s [MODEL] VIDEOS ... [flags]"
    score.add_argument(
        "words", nargs="+", metavar="VIDEOS",
        help="files, folders, globs, tars, lists (.txt or @file, one name per line), on disk or at "
        "addresses such as s3://bucket/videos/, or - for names on standard input; a model may come "
        "first",
    )  # fmt: skip
    _add_model(score.add_argument_group("model"))
    _add_outputs(score.add_argument_group("outputs (default: -o scores.csv)"))
    _add_work(score.add_argument_group("what is scored, and how"))
    engines.add(score.add_argument_group("where the work is done"))
    raw = score.add_argument_group("headerless .yuv files")
    raw.add_argument("--raw-size", metavar="WIDTHxHEIGHT", help="frame size, required")
    raw.add_argument("--raw-format", metavar="NAME", help="FFmpeg's name (default: yuv420p)")
    raw.add_argument("--raw-range", choices=("limited", "full"), help="(default: limited)")
    raw.add_argument("--raw-rate", type=float, metavar="HZ", help="(default: 30)")
    score.set_defaults(job=run)


def _add_model(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--model", metavar="MODEL",
        help="run or model folder, embedded model, hf://owner/name, or with --weights a published "
        "model (default: ugc)",
    )  # fmt: skip
    model_flags.add_weights(group)
    model_flags.add_interval(group)
    model_flags.add_device(group)
    model_flags.add_trust(group)


def _add_outputs(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--output", "-o", metavar="FILE",
        help=".csv, .json, .jsonl, .parquet or .html; a .csv has its timelines beside it; FOLDER/ "
        "or s3://bucket/folder/ for a Parquet dataset that is written part by part",
    )  # fmt: skip
    group.add_argument("--csv", metavar="FILE", help="table, as CSV")
    group.add_argument("--parquet", metavar="FILE", help="table, as Parquet")
    group.add_argument("--html", metavar="FILE", help="page to look at")
    group.add_argument("--timeline", metavar="FILE", help="quality over time, as CSV")
    group.add_argument(
        "--json", action="store_true",
        help="print each score as a line of JSON; everything else goes to standard error",
    )  # fmt: skip
    group.add_argument("--quiet", action="store_true", help="print errors only")
    group.add_argument(
        "--fail-below", type=flag(number(-1e12, 1e12), float), metavar="SCORE",
        help="exit with status 3 if a score is lower",
    )  # fmt: skip
    group.add_argument(
        "--explain", action="store_true",
        help="also say why: worst moments, what pulls the score down, maps; in JSON rows, in the "
        "table and on a page",
    )  # fmt: skip


def _add_work(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "-0", "--null", action="store_true", dest="zeros",
        help="names on standard input and in @file end with NUL, as of find -print0",
    )  # fmt: skip
    group.add_argument(
        "--fps", type=flag(above(0, 1000), float), metavar="F", help="score F frames per second"
    )
    group.add_argument(
        "--max-seconds", type=flag(above(0, 1e6), float), metavar="S",
        help="score only the first S seconds of each video",
    )  # fmt: skip
    model_flags.add_damaged(group)
    group.add_argument(
        "--workers", type=flag(whole(1, 1024), int), metavar="N",
        help="N videos at the same time: on a CPU in N processes (default: 1), on a GPU in one "
        "process with N decoders (default: up to 4)",
    )  # fmt: skip
    group.add_argument(
        "--shard", type=flag(RULES["shard"], str), metavar="I/N",
        help="score every Nth file, from the Ith on; the outputs are named after the shard",
    )  # fmt: skip
    group.add_argument(
        "--cache", metavar="FOLDER", help="keep features in this folder (default: keep none)"
    )
    group.add_argument(
        "--identity", default="content", choices=KINDS,
        help="what says that a file is the same: content, all its bytes (default); sampled, its "
        "size, time and some bytes",
    )  # fmt: skip


def run(given: argparse.Namespace) -> int:
    """Score what the flags name."""
    from vqa.commands.configuration import UsageError
    from vqa.commands.printing import say
    from vqa.commands.scoring.choice import chosen
    from vqa.video import RawFormat

    if given.weights is not None and given.model is None:
        raise UsageError("--weights needs the name of its model: --model vsfa, for example")
    model_flags.check_weights(given)
    raw = RawFormat.parse(given.raw_size, given.raw_format, given.raw_range, given.raw_rate)
    choice = chosen(given.words, given.model)
    if choice.remark:
        say(f"NOTE: {choice.remark}", sys.stderr)
    engine = engines.settings_of(given)
    if engine.name == SLURM:
        return _in_shares(given, choice)
    return import_module("vqa.commands.scoring.command").main(
        choice.model,
        choice.places,
        output=given.output,
        csv=given.csv,
        parquet=given.parquet,
        html=given.html,
        timeline=given.timeline,
        json_lines=given.json,
        weights=given.weights,
        backbone_weights=given.backbone_weights,
        cache=given.cache,
        device=given.device,
        raw=raw,
        damaged=given.damaged,
        fps=given.fps,
        max_seconds=given.max_seconds,
        identity=given.identity,
        level=given.interval,
        workers=given.workers,
        shard=given.shard,
        zeros=given.zeros,
        fail_below=given.fail_below,
        explain=given.explain,
        quiet=given.quiet,
        trust=given.trust,
        engine=engine,
    )


def _in_shares(given: argparse.Namespace, choice: "Choice") -> int:
    """Let the tasks of a SLURM job array score."""
    from vqa.commands.scoring import on_slurm

    parser = argparse.ArgumentParser()
    add(parser)
    return on_slurm.main(given, choice.model, choice.places, on_slurm.passed(given, parser))
