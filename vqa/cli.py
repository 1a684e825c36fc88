"""The command `vqa` and its verbs; `python -m vqa` is the same.

Heavy imports happen in the verbs, so help and errors answer at once.
"""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import NoReturn

from vqa.commands.engines.settings import FEATURES, TRAINING
from vqa.commands.errors import USAGE
from vqa.commands.model_flags import add_trust
from vqa.commands.process import exit_status
from vqa.commands.rules import flag
from vqa.commands.setting_rules import RULES

# Verbs that take Hydra overrides, and the module that does each job.
HYDRA_VERBS = {
    "train": "train a model on a database and write its report",
    "evaluate": "test, score, compare and verify finished runs, or measure anyone's predictions",
    "cross": "train on several databases, test on several: the cross-database matrix",
    "extract": "fill the feature cache of a database, or draw what an extractor sees",
}
# Verbs whose flags stand in a module of their own, and what they do.
FLAGGED_VERBS = {
    "score": ("scoring", "score video files"),
    "serve": ("serving", "score the videos that are sent to it"),
    "export": (
        "exporting", "write a model as ONNX or a torch program that runs without this package"
    ),
    "doctor": ("doctor", "check a downloaded database before training on it, or the installation"),
    "study": ("study", "make a table or figure of a paper: the printed numbers beside yours"),
}  # fmt: skip
EXAMPLES = """\
examples:
  vqa train                                              train on the embedded demo database
  vqa train model=vsfa data=konvid data.root=/data/konvid
  vqa score clip.mp4 folder/                             score videos with the embedded model
  vqa score runs/<run> clip.mp4 folder/                  ... or with a trained run
  vqa doctor konvid --root /data/konvid                  check a download before training on it

vqa VERB --help shows the uses of a verb."""


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line: expected, found, and how to see the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"error: {message}; {self.prog} --help shows the usage\n")


def main(arguments: Sequence[str] | None = None, program: str = "vqa") -> int:
    """Run the command line and return its exit status.

    Args:
        arguments: Words after the program's name; None takes those of the process.
        program: Shown in the help.

    Returns:
        0, or 1 if some files failed or something does not hold, or 2 for wrong use; 130 after
        Ctrl-C, 143 after SIGTERM.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    return exit_status(lambda: _run(words, program))


def _run(words: Sequence[str], program: str) -> int | None:
    if words and words[0] in HYDRA_VERBS:
        return hydra_verb(words[0], words[1:], f"{program} {words[0]}")
    if words[:1] == [FEATURES] and words[1:2] and words[1] in TRAINING:  # typed by an engine
        status: int | None = _module("engines.features").main(words[1:])
        return status
    top = parser(program)
    options, rest = top.parse_known_args(words)
    if options.verb == "score" and all(word == "-" or word[:1] != "-" for word in rest):
        options.words += rest  # videos that stand after a flag
        rest = []
    if any(word.startswith("-") or "=" not in word for word in rest) or (
        rest and options.verb not in ("doctor", "study")
    ):
        top.error(f"unrecognized arguments: {' '.join(rest)}")
    options.rest = rest
    status = options.job(options)
    return status


def script(verb: str) -> NoReturn:
    """Run the root script of a verb, such as train.py, and exit."""
    program = f"python {verb}.py"
    sys.exit(exit_status(lambda: hydra_verb(verb, sys.argv[1:], program)))


def hydra_verb(verb: str, arguments: Sequence[str], program: str) -> int:
    """Run a verb that takes Hydra overrides."""
    from vqa.commands.hydra_app import run_verb

    return run_verb(verb, program, arguments, lambda config: _module(verb).main(config))


def parser(program: str = "vqa") -> argparse.ArgumentParser:
    """Build the parser of the verbs with plain flags; it lists the other verbs too."""
    top = _Parser(
        prog=program,
        description="Train, evaluate and apply no-reference video quality models.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"vqa {_version()}")
    verbs = top.add_subparsers(
        title="verbs", metavar="VERB", required=True, parser_class=_Parser, dest="verb"
    )
    for verb, summary in HYDRA_VERBS.items():
        verbs.add_parser(verb, help=summary, add_help=False)
    for verb in ("score", "serve"):
        _add_flagged(verbs, verb)
    _add_pack(verbs)
    for verb in ("export", "doctor"):
        _add_flagged(verbs, verb)
    for add in (_add_compare, _add_verify, _add_runs, _add_models):
        add(verbs)
    _add_flagged(verbs, "study")
    completion = verbs.add_parser("completion", help="print the shell's completion script")
    completion.add_argument("shell", choices=("bash", "zsh"))
    completion.set_defaults(job=lambda given: _module("completion").main(given.shell))
    hidden = verbs.add_parser("complete")
    hidden.add_argument("line", nargs="?", default="")
    hidden.set_defaults(job=lambda given: _module("completion").complete(given.line, flags()))
    return top


def flags() -> dict[str, list[str]]:
    """List the flags of every verb; verbs that take Hydra overrides have none."""
    (action,) = [one for one in parser()._actions if isinstance(one, argparse._SubParsersAction)]
    shown = [choice.dest for choice in action._choices_actions]
    return {
        verb: [] if verb in HYDRA_VERBS else sorted(action.choices[verb]._option_string_actions)
        for verb in shown
    }


def _add_flagged(verbs: "argparse._SubParsersAction[_Parser]", verb: str) -> None:
    place, summary = FLAGGED_VERBS[verb]
    arguments = _module(f"{place}.arguments")
    arguments.add(_verb(verbs, verb, summary, arguments.EPILOG))


def _add_pack(verbs: "argparse._SubParsersAction[_Parser]") -> None:
    pack = _verb(
        verbs,
        "pack",
        "make a model folder of a run: weights, settings, calibration and card, nothing else",
    )
    pack.add_argument("run", help="folder of a finished run")
    pack.add_argument(
        "--output", "-o", required=True, metavar="FOLDER",
        help="the model folder, or hf://owner/name to upload it to the Hugging Face Hub",
    )  # fmt: skip
    pack.add_argument("--name", help="name of the model (default: that of the run)")
    pack.add_argument(
        "--features", nargs="+", default=[], metavar="NAME",
        help="what computes the features of a run of features=external",
    )  # fmt: skip
    pack.add_argument(
        "--folds", metavar="RUN",
        help="run of the same settings that tested held-out videos, for intervals and card",
    )  # fmt: skip
    pack.add_argument("--about", metavar="FILE", help="text that ends the card")
    pack.add_argument("--private", action="store_true", help="make a new model on the hub private")
    add_trust(pack)
    pack.set_defaults(
        job=lambda given: _module("pack").main(
            given.run, given.output, name=given.name, features=given.features, folds=given.folds,
            about=given.about, private=given.private, trust=given.trust,
        )
    )  # fmt: skip


def _add_compare(verbs: "argparse._SubParsersAction[_Parser]") -> None:
    compare = _verb(
        verbs,
        "compare",
        "compare finished runs on the splits that they share, or the scores of two jobs",
        """\
examples:
  vqa compare runs/<a> runs/<b> runs/<c>      which model is better
  vqa compare before.csv after.csv            which videos got better or worse""",
    )
    compare.add_argument(
        "runs", nargs="+", help="two or more folders of finished runs, or two files of scores"
    )
    compare.add_argument(
        "--metric", default="srocc", help="compare pairs of runs by this metric (default: srocc)"
    )
    compare.add_argument(
        "--output", "-o", default="comparison", metavar="FOLDER", help="(default: comparison)"
    )
    compare.set_defaults(
        job=lambda given: _module("compare").main(
            given.runs, metric=given.metric, output=given.output,
            command=" ".join(["vqa", *sys.argv[1:]]),
        )
    )  # fmt: skip


def _add_verify(verbs: "argparse._SubParsersAction[_Parser]") -> None:
    verify = _verb(verbs, "verify", "recompute every number of a run and compare every hash")
    verify.add_argument("run", help="folder of a finished run")
    verify.add_argument(
        "--rescore", type=flag(RULES["rescore"], int), default=0, metavar="N",
        help="score N videos per split again",
    )  # fmt: skip
    verify.add_argument(
        "--cache", default="cache", metavar="FOLDER",
        help="feature cache, for --rescore (default: cache)",
    )  # fmt: skip
    add_trust(verify)
    verify.set_defaults(
        job=lambda given: _module("verify").main(
            given.run, rescore=given.rescore, paths={"cache": given.cache}, trust=given.trust
        )
    )


def _add_runs(verbs: "argparse._SubParsersAction[_Parser]") -> None:
    runs = _verb(verbs, "runs", "list the runs below a folder with their results")
    runs.add_argument("folder", nargs="?", default="runs", help="(default: runs)")
    form = runs.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON")
    form.add_argument("--csv", action="store_true", help="print CSV")
    form.add_argument(
        "--html", nargs="?", const="", metavar="FILE",
        help="write a page that can be sorted and filtered, with studies, matrices and comparisons "
        "(default: index.html in the folder)",
    )  # fmt: skip
    runs.set_defaults(
        job=lambda given: _module("runs").main(
            given.folder, as_json=given.json, as_csv=given.csv, html=given.html
        )
    )


def _add_models(verbs: "argparse._SubParsersAction[_Parser]") -> None:
    models = _verb(verbs, "models", "list the models that can be trained")
    models.add_argument("name", nargs="?", help="show the settings of this model")
    models.add_argument("--json", action="store_true", help="print JSON")
    models.add_argument("--config-dir", metavar="FOLDER", help="folder of your own configuration")
    models.set_defaults(
        job=lambda given: _module("models").main(
            given.name, config_dir=given.config_dir, as_json=given.json
        )
    )


def _verb(
    verbs: "argparse._SubParsersAction[_Parser]", name: str, summary: str, epilog: str = ""
) -> argparse.ArgumentParser:
    return verbs.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _module(verb: str) -> ModuleType:
    return import_module(f"vqa.commands.{verb}")


def _version() -> str:
    from vqa import __version__

    return __version__
