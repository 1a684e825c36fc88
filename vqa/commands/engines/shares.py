"""The shares of a command, and how they ended."""

import hashlib
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from vqa.commands.printing import say

OWN = ("engine", "shard", "fresh")  # settings of the command that starts the shares
SHOWN_TASKS, SHOWN_LINES = 3, 5


class EngineError(RuntimeError):
    """Shares of a command failed."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a share ended.

    Attributes:
        status: Its exit status; None if it was lost, for example killed.
        log: What it printed; None if it never started.
        cause: Why there is no status.
    """

    status: int | None
    log: Path | None = None
    cause: str = ""


class Engine(Protocol):
    """Does the shares of a command somewhere else."""

    @property
    def width(self) -> int:
        """Shares that run at the same time."""
        ...

    def run(self, shares: Sequence[Sequence[str]], folder: Path) -> list[Outcome]:
        """Do the shares and return when the last has ended.

        Args:
            shares: The command line of each, without its program.
            folder: Of this stage: logs and what a rerun needs to find the shares again.
        """
        ...


def shared(words: Sequence[str], count: int) -> list[list[str]]:
    """Return the command line of each share.

    Args:
        words: Verb and words as typed, without the program; settings of the engine are left out.
        count: Number of shares.

    Raises:
        ValueError: The words choose a share themselves.
    """
    for word in words:
        if "=" in word and _key(word) == "shard":
            raise ValueError(f"{word}: expected no shard with an engine, which shares the work")
    kept = _kept(words)
    return [[*kept, f"shard={index}/{count}"] for index in range(1, count + 1)]


def stage_folder(base: str | Path, words: Sequence[str]) -> Path:
    """Return the folder of a stage: the same for the same work, whatever the engine is told.

    Args:
        base: Folder of the work; the stage's is below its `jobs`.
        words: Verb and words as typed.
    """
    text = "\n".join([str(Path.cwd()), *_kept(words)])
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return Path(base).absolute() / "jobs" / f"vqa-{words[0]}-{digest}"


def check_ended(outcomes: Sequence[Outcome]) -> None:
    """Print how shares failed, if any did.

    Raises:
        EngineError: A share failed.
    """
    failed = [(index, one) for index, one in enumerate(outcomes, 1) if one.status != 0]
    for index, one in failed[:SHOWN_TASKS]:
        how = f"ended with status {one.status}" if one.status is not None else one.cause
        where = f"; log: {one.log}" if one.log is not None else ""
        say(f"error: task {index} of {len(outcomes)} {how}{where}", sys.stderr)
        for line in last_lines(one.log):
            say(f"  {line}", sys.stderr)
    if rest := failed[SHOWN_TASKS:]:
        listed = ", ".join(str(index) for index, _ in rest[:20])
        say(f"error: {len(rest)} more tasks failed: {listed}", sys.stderr)
    if failed:
        raise EngineError(
            f"{len(failed)} of {len(outcomes)} tasks failed; what is finished is kept: remove the "
            "cause and rerun the command"
        )


def last_lines(log: Path | None, count: int = SHOWN_LINES) -> list[str]:
    """Return the last lines of a log without those of progress bars and of submitit."""
    if log is None or not log.is_file():
        return []
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 20_000))
        text = file.read().decode("utf-8", errors="replace")
    lines = [line.rpartition("\r")[2].rstrip() for line in text.splitlines()]
    kept = [
        line for line in lines if line and not re.match(r"(submitit |srun: |slurmstepd: )", line)
    ]
    return [line[:400] for line in kept[-count:]]


def _kept(words: Sequence[str]) -> list[str]:
    return [word for word in words if "=" not in word or _key(word) not in OWN]


def _key(word: str) -> str:
    return word.partition("=")[0].lstrip("+~").split(".")[0]
