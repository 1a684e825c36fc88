"""The verbs that take Hydra overrides: train, evaluate, cross, extract."""

import math
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from vqa.commands import configuration, overrides
from vqa.commands.configuration import GROUPS, UsageError
from vqa.commands.errors import explained
from vqa.commands.process import report, set_up
from vqa.commands.recipe_settings import settle
from vqa.commands.sweeps import followed_sweep
from vqa.files import user_path

if TYPE_CHECKING:
    from omegaconf import DictConfig

FULL_ERROR = "HYDRA_FULL_ERROR"
SWEEP_FLAGS = {"--multirun", "-m"}


def run_verb(
    verb: str, program: str, arguments: Sequence[str], job: Callable[["DictConfig"], Any]
) -> int:
    """Compose the configuration of a verb and do its job.

    Args:
        verb: Name of the configuration, such as `train`.
        program: The command as the user typed it, for the help.
        arguments: Overrides and Hydra's own flags.
        job: Called with the composed configuration (for each run of a sweep); returns the exit
            status, or anything else for 0: `train` returns its run.

    Raises:
        UsageError: Overrides that do not fit.
    """
    if {"--help", "-h"} & set(arguments):
        print(help_text(verb, program, arguments))
        return 0
    arguments = overrides.checked(arguments)
    configuration.register_resolvers()
    if config_folder(arguments):
        configuration.add_user_code()
    return _with_hydra(verb, arguments, job)


def help_text(verb: str, program: str, arguments: Sequence[str] = ()) -> str:
    """Describe a verb: its uses, the choices of each group, and the flags that show settings."""
    conf = configuration.conf_folder()
    more = [user_path(folder)] if (folder := config_folder(arguments)) else []
    uses = [
        line.replace(f"python {verb}.py", program)
        for line in configuration.head_comment(conf / f"{verb}.yaml")
    ]
    lines = [*uses, "", "Choices (key=value):"]
    for group in GROUPS:
        paths = [name.split("/") for name in configuration.choices(group, *more)]
        names = dict.fromkeys(f"{parts[0]}/..." if parts[1:] else parts[0] for parts in paths)
        lines.append(_wrapped(f"  {group + '=':13s}", list(names)))
    lines += [
        "",
        "Flags:",
        "  --cfg job              show all settings of this command instead of running it",
        "  -m key=a,b,c           run once for each value",
        "  --config-dir FOLDER    add your own models, data, features (docs: your own code)",
        "  --hydra-help           Hydra's own flags",
    ]
    return "\n".join(lines)


def config_folder(arguments: Sequence[str]) -> str | None:
    """Return the folder that `--config-dir` names, if it is among the arguments."""
    for place, argument in enumerate(arguments):
        flag, equals, value = argument.partition("=")
        if flag in overrides.FOLDER_FLAGS:
            return value if equals else next(iter(arguments[place + 1 :]), None)
    return None


def _with_hydra(verb: str, arguments: Sequence[str], job: Callable[["DictConfig"], Any]) -> int:
    """Run Hydra's own main: it reads `sys.argv`, which the job sees as the user typed it."""
    import hydra
    from hydra.core.hydra_config import HydraConfig
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    typed, full_error = sys.argv, os.environ.get(FULL_ERROR)
    statuses: list[int] = []
    errors: list[Exception] = []
    sweep = bool(SWEEP_FLAGS & set(arguments))
    followed = followed_sweep(verb, arguments, sweep)
    if followed:
        job, arguments = followed.job, [*arguments, *followed.words]

    def task(config: "DictConfig") -> float | None:
        # Lightning starts further processes with the command line as it was typed.
        sys.argv = typed
        _restore(FULL_ERROR, full_error)
        try:
            settle(config, HydraConfig.get().overrides.task)
            set_up(config.get("threads"))
            outcome = job(config)
            statuses.append(outcome if isinstance(outcome, int) else 0)
            return followed.done(outcome) if followed else None
        except Exception as error:  # noqa: BLE001 (raised below, past Hydra, which would print it)
            known = explained(error) if sweep and not full_error else None
            if known is None:
                errors.append(error)
            else:  # the other jobs of a sweep run all the same
                status, line = known
                statuses.append(status)
                report(f"job {len(statuses) - 1}: {line}")
            if followed:
                followed.failed(known[1] if known else repr(error))
            return math.nan

    main = hydra.main(
        version_base="1.3", config_path=str(configuration.conf_folder()), config_name=verb
    )(task)
    # Hydra's parser takes its flags before the overrides or after them, not among them.
    others = [word for word in arguments if word not in SWEEP_FLAGS]
    words = [*(["--multirun"] if sweep else []), *others]
    _check_flags(verb, words)
    # Hydra prints errors and exits by itself unless it is told to raise them.
    os.environ[FULL_ERROR] = "1"
    sys.argv = [typed[0], *words]
    try:
        main()
    except (HydraException, OmegaConfBaseException) as error:
        if full_error:
            raise
        raise UsageError(configuration.in_one_line(error)) from error
    finally:
        sys.argv = typed
        _restore(FULL_ERROR, full_error)
    if followed:
        followed.finish()
    if errors:
        raise errors[0]
    return max(statuses, default=0)


def _check_flags(verb: str, words: Sequence[str]) -> None:
    """Let Hydra's own parser read the flags; its errors would be a page and an exit."""
    from hydra._internal.utils import get_args_parser

    def refuse(message: str) -> NoReturn:
        raise UsageError(f"{message}; vqa {verb} --help shows the choices and flags")

    parser = get_args_parser()
    parser.error = refuse  # type: ignore[method-assign]
    parser.parse_args(list(words))


def _restore(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


def _wrapped(head: str, names: Sequence[str], width: int = 100) -> str:
    lines, line = [], head
    for name in names:
        if len(line) + len(name) + 1 > width:
            lines.append(line)
            line = " " * len(head)
        line += f" {name}" if line.strip() and not line.endswith(" ") else name
    return "\n".join([*lines, line])
