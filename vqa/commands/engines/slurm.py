"""A SLURM job array through submitit: submit the shares, follow them, find them again.

The tasks stay in the queue when the command that follows them ends. The jobs of a stage have the
name of its folder, so the same command finds them again by their name.
"""

import json
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from vqa.commands.configuration import UsageError
from vqa.commands.engines.settings import LOCAL, SLURM, EngineSettings
from vqa.commands.engines.shares import Outcome
from vqa.commands.engines.task import ENDED, NOTICE_S, RUNNING, Task
from vqa.commands.printing import say
from vqa.commands.signals import Stopped
from vqa.files import read_json, write_json
from vqa.progress import progress_bar

# How often the records of tasks are read, and the queue, by cluster.
LOOK_S, QUEUE_S = {LOCAL: 0.3, SLURM: 5.0}, {LOCAL: 0.0, SLURM: 30.0}
# Looks at the queue without a task that has not said that it ended: a shared file system may show
# its record a minute late.
ABSENCES = 4
NO_SLURM = (
    "engine=slurm: expected the commands of SLURM (srun, sbatch, squeue), found none; run this on "
    "a login node, or set engine.cluster=local to try it here"
)


@dataclass(frozen=True, slots=True)
class Slurm:
    """The engine `slurm`.

    Attributes:
        settings: Its settings.
    """

    settings: EngineSettings

    @property
    def width(self) -> int:
        """Tasks of the job array."""
        return self.settings.array

    def run(self, shares: Sequence[Sequence[str]], folder: Path) -> list[Outcome]:
        """Do the shares: see `vqa.commands.engines.shares.Engine`.

        Raises:
            UsageError: submitit or SLURM is missing or refuses the job, or tasks of other shares
                of the same work are still in the queue.
        """
        if going := self.going(folder):
            _check_same(folder, shares, going)
            say(f"following {len(going)} tasks of an earlier start in {folder}")
        jobs = [] if going else self._submit(shares, folder)
        try:
            outcomes = self._follow(len(shares), folder)
        except Stopped:
            say(f"the tasks go on; rerun the command to follow them, or {self._end(folder)}")
            raise
        if self.settings.cluster == LOCAL:
            for job in jobs:  # processes of this one, which end soon after their records
                job.wait()
        return outcomes

    def going(self, folder: Path) -> set[int]:
        """Return the tasks of an earlier start of a stage, from 0 on, that wait or run.

        Raises:
            UsageError: submitit is missing, or SLURM does not say.
        """
        if find_spec("submitit") is None:
            raise UsageError(
                "engine=slurm: expected the package submitit, found none; pip install 'vqa[slurm]'"
            )
        queue = _queue(folder, self.settings.cluster)
        if queue is None:
            raise UsageError(
                f"squeue --me --name={folder.name}: expected the tasks of an earlier start, found "
                "an error; rerun the command when SLURM answers"
            )
        return {one for one in queue if _read(_record(folder, one)).get("state") != ENDED}

    def _submit(self, shares: Sequence[Sequence[str]], folder: Path) -> list[Any]:
        executor = _executor(folder, self.settings)
        _empty(folder)
        write_json(folder / "shares.json", [list(words) for words in shares])
        place = str(Path.cwd())
        tasks = [
            Task(list(words), place, str(_record(folder, index)), self.settings.requeues)
            for index, words in enumerate(shares)
        ]
        try:
            with executor.batch():
                jobs = [executor.submit(task) for task in tasks]
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            lines = [line for line in str(error).splitlines() if line.strip()]
            raise UsageError(
                f"{self.settings}: sbatch refused the job ({' '.join(lines[-2:])[:300]}); correct "
                "the settings of the engine"
            ) from error
        write_json(folder / "jobs.json", [job.job_id for job in jobs])
        say(f"submitted {len(jobs)} tasks as {jobs[0].job_id.partition('_')[0]}; logs: {folder}")
        return jobs

    def _follow(self, count: int, folder: Path) -> list[Outcome]:
        """Wait for all tasks, with a line of progress."""
        cluster = self.settings.cluster
        absent = dict.fromkeys(range(count), 0)
        records: list[dict[str, Any]] = [{} for _ in range(count)]
        looked = float("-inf")
        with progress_bar(count, folder.name, "task") as bar:
            while True:
                for index, known in enumerate(records):
                    if known.get("state") != ENDED:
                        records[index] = _read(_record(folder, index))
                ended = [one.get("state") == ENDED for one in records]
                if time.monotonic() - looked >= QUEUE_S[cluster]:
                    looked = time.monotonic()
                    queue = _queue(folder, cluster)
                    if queue is not None:
                        for index in range(count):
                            absent[index] = 0 if index in queue else absent[index] + 1
                gone = [absent[index] >= ABSENCES for index in range(count)]
                bar.set_postfix_str(_counts(records, gone), refresh=False)
                done = sum(one or lost for one, lost in zip(ended, gone, strict=True))
                bar.update(done - bar.n)
                if done == count:
                    return [_outcome(one) for one in records]
                time.sleep(LOOK_S[cluster])

    def _end(self, folder: Path) -> str:
        if self.settings.cluster == LOCAL:
            return f"kill -INT {' '.join(map(str, _read_list(folder / 'jobs.json')))}"
        return f"scancel --me --name={folder.name}"


def _executor(folder: Path, settings: EngineSettings) -> Any:
    """Return submitit's executor with the settings of a task."""
    from submitit import AutoExecutor

    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    limits = {f"{one}_max_num_timeout": settings.requeues for one in ("slurm", "local")}
    try:
        executor = AutoExecutor(folder, cluster=settings.cluster, **limits)
    except RuntimeError as error:
        raise UsageError(NO_SLURM) from error
    executor.update_parameters(
        name=folder.name,
        nodes=1,
        tasks_per_node=1,
        timeout_min=settings.time_min,
        gpus_per_node=int(settings.gpus) or None,
        cpus_per_task=settings.cpus,
        mem_gb=settings.memory_gb,
        stderr_to_stdout=True,
        slurm_partition=settings.partition,
        slurm_array_parallelism=settings.array,
        slurm_signal_delay_s=NOTICE_S,
        slurm_additional_parameters={"requeue": True, **settings.options},
    )
    return executor


def _queue(folder: Path, cluster: str) -> set[int] | None:
    """Return the tasks, from 0 on, that are in the queue or run; None if SLURM does not answer."""
    if cluster == LOCAL:
        pids = _read_list(folder / "jobs.json")
        return {index for index, pid in enumerate(pids) if _is_task(int(pid))}
    command = ["squeue", "--me", "--noheader", "--array", f"--name={folder.name}", "--format=%i"]
    try:
        found = subprocess.run(
            command,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=True,
            timeout=120,
        )
    except FileNotFoundError as error:
        raise UsageError(NO_SLURM) from error
    except subprocess.SubprocessError:
        return None
    return {int(line.partition("_")[2] or 0) for line in found.stdout.split()}


def _is_task(pid: int) -> bool:
    """Return whether a process is submitit's controller of a task, of this start or an earlier."""
    try:
        return b"submitit.local._local" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _check_same(folder: Path, shares: Sequence[Sequence[str]], queue: set[int]) -> None:
    """Refuse other shares than those of the tasks in the queue: both would do the same work."""
    stored = _read_list(folder / "shares.json")
    if stored != [list(words) for words in shares]:
        raise UsageError(
            f"engine.array={len(shares)}: {len(queue)} tasks of an earlier start with "
            f"engine.array={len(stored)} are still in the queue; rerun with that to follow them, "
            f"or end them first (job name {folder.name})"
        )


def _counts(records: Sequence[dict[str, Any]], gone: Sequence[bool]) -> str:
    """How many tasks wait, run, and failed."""
    running = failed = waiting = 0
    for one, lost in zip(records, gone, strict=True):
        if one.get("state") == ENDED or lost:
            failed += one.get("status") != 0
        elif one.get("state") == RUNNING:
            running += 1
        else:
            waiting += 1
    return f"{waiting} pending, {running} running, {failed} failed"


def _outcome(record: dict[str, Any]) -> Outcome:
    log = Path(record["log"]) if "log" in record else None
    cause = record.get("cause") or (
        f"ended on {record['host']} without a status; was it killed, or out of memory?"
        if record
        else "never started; sacct says why"
    )
    return Outcome(record.get("status"), log, cause)


def _empty(folder: Path) -> None:
    """Remove the files of an earlier start, all of which has ended."""
    for pattern in ("*.json", "*.pkl", "*.out", "*.sh"):
        for path in folder.glob(pattern):
            path.unlink()


def _record(folder: Path, index: int) -> Path:
    return folder / f"task-{index + 1}.json"


def _read(path: Path) -> dict[str, Any]:
    try:
        found = read_json(path)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _read_list(path: Path) -> list[Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return found if isinstance(found, list) else []
