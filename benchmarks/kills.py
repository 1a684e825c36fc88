"""Kill every kind of job with `kill -9` at random moments, rerun it, and compare its end state.

Each job runs once undisturbed. Then it is killed again and again until it ends by itself, in a new
folder each round, until it has been killed often enough. All predictions, weights, histories,
features and scores of each round are compared byte by byte with those of the undisturbed run. In
the distributed job, one process is killed: the launcher or the other one; the rest has to end by
itself. Takes about 15 minutes on two cores.

With `--stop`, jobs are asked to stop by SIGUSR1 instead, as a cluster does before it takes a node
away: a training ends its step, saves its state and resumes in mid-epoch.

Run: OMP_NUM_THREADS=1 python -m benchmarks.kills [--jobs ddp,vsfa] [--seed 1] [--stop]
"""

import argparse
import contextlib
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.commands.processes import Command
from tests.fakes import graded_clips
from tests.places import ROOT

# What a job leaves behind besides times and logs.
COMPARED = ("*.safetensors", "*.csv", "results.json", "leaks.json", "learner.json")
TIMES = {"seconds.csv", "metrics.csv"}  # metrics.csv: the logger's, step by step
LIMIT_S, STOPPED = 300, 143

CLIPS = ["data=csv", "data.labels={clips}/labels.csv", "data.mos_range=[1,5]", "threads=1"]
TRAIN = [
    "train", *CLIPS, "folder=run", "paths.cache={cache}", "loader.num_workers=0",
    "loader.batch_size=4", "protocol=repeated", "protocol.count=2", "protocol.val_fraction=0.2",
]  # fmt: skip
NEURAL = ["model.checkpoint_every=1"]
SWIN = [
    *NEURAL, "trainer.max_epochs=4", "views.fragments.clip_length=4",
    "views.fragments.grid_size=2", "views.fragments.num_clips=2",
    "model.network.backbone.embed_dim=8", "model.network.backbone.depths=[1,1]",
    "model.network.backbone.num_heads=[1,2]", "model.network.backbone.window_size=[2,4,4]",
    "model.network.backbone.gated_stages=1", "model.start.weights=random",
]  # fmt: skip
SEQUENCES = [*NEURAL, "features=multiscale", "trainer.max_epochs=40", "model.optimizer.lr=1e-3"]
DEMOS = "[demo_coding,demo_camera,demo_timing]"
GSTVQA = [*TRAIN, "model=gstvqa", *SEQUENCES]


def last_wins(words: list[str]) -> list[str]:
    """Return command line words with each setting once, because a second one is refused."""
    return list({word.partition("=")[0]: word for word in words}.values())


@dataclass(frozen=True)
class Job:
    """A command line with places in braces, and how often it is killed."""

    words: list[str]
    kills: int
    processes: int = 1


JOBS = {
    "extract": Job(["extract", *CLIPS, "features=multiscale", "paths.cache=cache"], 14),
    "svr": Job([*TRAIN, "model=svr", "features=multiscale"], 12),
    "gstvqa": Job(GSTVQA, 12),
    "vsfa": Job([*TRAIN, "model=vsfa", *SEQUENCES], 12),
    "fastvqa": Job([*TRAIN, "model=fastvqa", "model.network.channels=16", *SWIN], 12),
    "store": Job(
        [*TRAIN, "model=fastvqa", "model.network.channels=16", "loader.store=2", *SWIN,
         "paths.cache=cache"],
        8,
    ),
    "clifvqa": Job(
        [*TRAIN, "model=clifvqa", "model.network.backbone_channels=16",
         "model.network.map_size=[2,8,8]", "model.network.steps=8",
         "features.openclip.weights=random", "features.openclip.architecture=toy",
         "paths.cache=cache", *SWIN],
        12,
    ),
    "inception_iqa": Job(
        [*TRAIN, "model=inception_iqa", "model.start.weights=random", *NEURAL,
         "trainer.max_epochs=2", "protocol.count=1"],
        8,
    ),
    "cross": Job(
        ["cross", f"train={DEMOS}", f"test={DEMOS}", "+data.read.contents=4",
         "+data.read.versions=4", "+data.read.frames=8", "+data.read.size=[64,48]",
         "trainer.max_epochs=10", "protocol.test_fraction=0.5", "model.checkpoint_every=1",
         "output=matrix", "paths.data=data", "paths.cache=cache", "paths.runs=runs", "threads=1"],
        8,
    ),
    "score": Job(
        ["score", "{model}", "{clips}/videos", "--output", "scores.csv", "--cache", "cache"], 12
    ),
    "ddp": Job(
        [*GSTVQA, "trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=2",
         "loader.batch_size=2"],
        8,
        processes=2,
    ),
}  # fmt: skip


class Launched:
    """A distributed job: a process that starts the others."""

    def __init__(self, words: list[str], place: Path, rng: random.Random) -> None:
        self.rng = rng
        environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        with (place / "log.txt").open("a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "vqa", *words],
                cwd=place, env=environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def ended(self) -> bool:
        """Return whether it has ended by itself."""
        return self.process.poll() is not None

    def kill(self) -> None:
        """Kill one of the processes, and wait until the others have ended by themselves."""
        main = self.process.pid
        self.send(signal.SIGKILL)
        self.process.wait(LIMIT_S)
        until(lambda: not _alive(main), f"processes of {main} outlive a killed one")

    def send(self, number: int) -> None:
        """Send a signal to one of the processes."""
        main = self.process.pid
        children = Path(f"/proc/{main}/task/{main}/children").read_text(encoding="utf-8").split()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.rng.choice([main, *map(int, children)]), number)

    def wait(self) -> int:
        """Return the exit status."""
        return self.process.wait(LIMIT_S)


def _alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def until(done: Callable[[], bool], message: str) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + LIMIT_S
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(message)
        time.sleep(0.05)


def outcome(place: Path) -> Counter:
    """Return the content of everything a job leaves behind, without the place it lies in."""
    found: Counter = Counter()
    for pattern in COMPARED:
        for path in place.rglob(pattern):
            if path.name not in TIMES:
                content = path.read_bytes().replace(str(place).encode(), b"")
                found[path.name, hashlib.sha256(content).hexdigest()] += 1
    return found


def start(job: Job, place: Path, words: list[str], rng: random.Random) -> Command | Launched:
    """Start a job in its folder."""
    place.mkdir(parents=True, exist_ok=True)
    return Launched(words, place, rng) if job.processes > 1 else Command(words, place)


def finish(running: Command | Launched, place: Path) -> None:
    """Wait for a job to end well."""
    if status := running.wait():
        raise RuntimeError(
            f"status {status}: {(place / 'log.txt').read_text(encoding='utf-8')[-2000:]}"
        )


def interrupt(running: Command | Launched, place: Path, stop: bool) -> None:
    """Kill a job, or ask it to stop."""
    if not stop:
        running.kill()
        return
    running.send(signal.SIGUSR1)
    if (status := running.wait()) not in (0, STOPPED):
        log = (place / "log.txt").read_text(encoding="utf-8")
        raise RuntimeError(f"status {status}: {log[-2000:]}")


def torment(job: Job, root: Path, places: dict[str, Path], rng: random.Random, stop: bool) -> str:
    """Run a job undisturbed, then interrupt it, and return the row of the table."""
    words = last_wins([word.format(**places) for word in job.words])
    started = time.monotonic()
    finish(start(job, root / "straight", words, rng), root / "straight")
    seconds = time.monotonic() - started
    expected = outcome(root / "straight")
    kills = rounds = same = 0
    while kills < job.kills:
        place = root / f"broken{rounds}"
        while True:
            running = start(job, place, words, rng)
            moment = time.monotonic() + rng.uniform(0, seconds)
            while time.monotonic() < moment and not running.ended():
                time.sleep(0.005)
            if running.ended():
                finish(running, place)
                break
            interrupt(running, place, stop)
            kills += 1
            if kills == job.kills:
                finish(start(job, place, words, rng), place)
                break
        rounds += 1
        found = outcome(place)
        same += found == expected
        if found != expected:
            names = sorted({name for name, _ in (found - expected) + (expected - found)})
            print(f"{root.name}: {place} differs in {', '.join(names)}", file=sys.stderr)
        else:
            shutil.rmtree(place)
    files = expected.total()
    return f"| {root.name} | {seconds:.1f} | {kills} | {rounds} | {same} | {files} |"


def main() -> int:
    """Print the table; the status is 1 if an end state differs."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--jobs", default=",".join(JOBS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--stop", action="store_true", help="ask to stop by SIGUSR1, do not kill")
    given = parser.parse_args()
    names = given.jobs.split(",")
    root = Path(tempfile.mkdtemp(prefix="kills-"))
    places = {name: root / name for name in ("cache", "model")}
    places["clips"] = graded_clips(root / "clips", count=16)
    rng = random.Random(given.seed)
    prepared = [
        GSTVQA[0],
        *(f"folder={root}/model" if w == "folder=run" else w for w in GSTVQA[1:]),
    ]
    finish(Command([word.format(**places) for word in prepared], root), root)
    print("| Job | Seconds | Kills | End states | Identical | Files compared |", flush=True)
    print("|---|---|---|---|---|---|", flush=True)
    rows = []
    for name in names:
        rows.append(torment(JOBS[name], root / f"job-{name}" / name, places, rng, given.stop))
        print(rows[-1], flush=True)
    counts = [[int(cell) for cell in row.split("|")[3:6]] for row in rows]
    kills, states, same = map(sum, zip(*counts, strict=True))
    print(f"| all | | {kills} | {states} | {same} | |")
    if same == states:
        shutil.rmtree(root)
    return int(same != states)


if __name__ == "__main__":
    sys.exit(main())
