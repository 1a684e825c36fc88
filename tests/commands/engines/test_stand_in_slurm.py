"""A job array of SLURM's own kind, by small scripts that run its tasks on this machine.

They signal as SLURM does: every process of a task gets the signal.
"""

import os
import signal
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.commands.calling import call
from tests.fakes import graded_clips
from vqa.commands.engines import slurm
from vqa.files import read_json

pytestmark = pytest.mark.exhaustive
SCRIPTS = {
    "sbatch": """\
name=$(grep -oP '(?<=--job-name=).*' $1); last=$(grep -oP '(?<=--array=0-)[0-9]+' $1)
for i in $(seq 0 ${last:-0}); do
  ( echo $name > {place}/queue/77_$i
    while :; do
      rm -f {place}/again.77_$i
      SLURM_JOB_ID=77$i SLURM_ARRAY_JOB_ID=77 SLURM_ARRAY_TASK_ID=$i SLURM_NTASKS=1 \\
        SLURM_JOB_NUM_NODES=1 SLURM_NODEID=0 SLURM_PROCID=0 SLURM_LOCALID=0 \\
        SLURM_JOB_NAME=$name bash $1
      [ -e {place}/again.77_$i ] || break
    done
    rm {place}/queue/77_$i ) > /dev/null 2>&1 &
done
echo Submitted batch job 77
""",
    "srun": """\
while [[ $1 == --* ]]; do [ $1 = --output ] && { out=$2; shift; }; shift; done
out=${out//%A/77}; out=${out//%a/$SLURM_ARRAY_TASK_ID}
out=${out//%j/77_$SLURM_ARRAY_TASK_ID}; out=${out//%t/0}
exec "$@" >> "$out" 2>&1
""",
    "squeue": """\
for word in "$@"; do [[ $word == --name=* ]] && name=${word#--name=}; done
cd {place}/queue
for task in *; do [ -e $task ] && [ "$(cat $task)" = "$name" ] && echo $task; done
exit 0
""",
    "scontrol": "touch {place}/again.$2\n",
}


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    place = tmp_path / "slurm"
    (place / "queue").mkdir(parents=True)
    for name, text in SCRIPTS.items():
        text = "#!/bin/bash\n" + text.replace("{place}", str(place))
        (place / name).write_text(text, encoding="utf-8")
        (place / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{place}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setitem(slurm.LOOK_S, "slurm", 0.2)
    monkeypatch.setitem(slurm.QUEUE_S, "slurm", 1)
    return place


def tree(pid):
    """The processes of a task."""
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, encoding="utf-8").stdout
    return [pid, *(one for child in found.split() for one in tree(int(child)))]


def send(pids, number):
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


class Preempter(threading.Thread):
    """Announces the end of the first task; stops and kills the second, and requeues it itself."""

    def __init__(self, runs, cluster):
        super().__init__(daemon=True)
        self.runs, self.cluster, self.done = runs, cluster, False

    def run(self):
        for split in ("split0", "split1"):
            while not list(self.runs.glob(f"*/{split}/checkpoints/last.ckpt")):
                time.sleep(0.02)
        (jobs,) = (self.runs / "jobs").glob("vqa-train-*")
        first, second = (tree(read_json(jobs / f"task-{n}.json")["pid"]) for n in (1, 2))
        send(first, signal.SIGUSR2)
        send(second, signal.SIGTERM)
        deadline = time.monotonic() + 60
        while len(tree(second[0])) > 1 and time.monotonic() < deadline:
            time.sleep(0.05)
        (self.cluster / "again.77_1").touch()
        send(second[:1], signal.SIGKILL)
        self.done = True


def test_tasks_that_slurm_signals_end_as_if_nothing_had_been(tmp_path, cluster):
    own = graded_clips(tmp_path / "own", count=9)
    words = [
        "data=csv", f"data.labels={own / 'labels.csv'}", "data.mos_range=[1,5]", "threads=1",
        "features=multiscale", "model=gstvqa", "protocol=repeated", "protocol.count=2",
        "trainer.max_epochs=300", "model.checkpoint_every=1",
    ]  # fmt: skip
    preempter = Preempter(tmp_path / "runs", cluster)
    preempter.start()
    call("train", tmp_path, *words, "engine=slurm", "engine.array=2", "engine.partition=gpu")
    assert preempter.done
    (shared,) = (one.parent for one in Path(tmp_path / "runs").glob("*/results.json"))
    call("train", tmp_path, *words, f"folder={tmp_path / 'straight'}")
    for split in ("split0", "split1"):
        for name in ("model.safetensors", "history.csv", "predictions.csv"):
            straight = (tmp_path / "straight" / split / name).read_bytes()
            assert (shared / split / name).read_bytes() == straight, name
    logs = [one.read_text(encoding="utf-8") for one in shared.parent.rglob("vqa-train-*/*.out")]
    assert sum(text.count("resuming from") for text in logs) == 2
    assert sum(text.count("Requeued job 77_0") for text in logs) == 1
