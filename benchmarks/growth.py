"""How cost grows with the number of videos: label tables, splits, results, pages.

Each phase runs in a process of its own, on made data in a temporary folder; no video is read. It
prints processor seconds, and the peak memory of that process, of which imports are some 200 MB.

- `labels`: read and check a label table of n rows (`data=csv`, missing=keep);
- `splits`: one holdout split by content, its file written and read, and one round of 5 folds;
- `leaks`: equal files joined, leaks and twins of a holdout split counted;
- `inputs`: what a run is made from, stored and compared as at a restart, and `videos.csv`;
- `results`: `Run.finish` on n stored predictions: metrics, 2000 resamples, hashes;
- `calibration`: curves and conformal intervals from the same predictions;
- `report`: the page of that run;
- `journal`: the rows of an interrupted `vqa score`, opened again and one in a hundred looked up;
- `tables`: CSV, JSON Lines and Parquet of those rows, each with a timeline of 30 values;
- `comparison`: two such runs compared, and their page.

Run: OMP_NUM_THREADS=1 python -m benchmarks.growth [--videos 1000 10000] [--splits 1 10]
[--phases labels splits] [--tiny]
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from vqa.commands.scoring.journal import Journal, Row
from vqa.commands.scoring.outputs import Output
from vqa.commands.scoring.score import Score
from vqa.commands.scoring.tables import write
from vqa.databases import csv_table
from vqa.databases.records import Database
from vqa.files import content_hash, write_csv
from vqa.protocols import Split, holdout, kfold, leak_report, read_split, write_split
from vqa.protocols.twins import joined_contents
from vqa.reports.comparison_page import write_comparison
from vqa.reports.run_page import write_report
from vqa.runs.calibrating import FITTED, of_predictions
from vqa.runs.comparison import compare, write_comparison_files
from vqa.runs.inputs import described
from vqa.runs.opening import load_run, open_run
from vqa.runs.seen import Seen

SCALE = (1.0, 5.0)
SIZES = ((1920, 1080), (1280, 720), (960, 540), (640, 360))
TRAINED = 5  # videos that a single split trains on
FITTED_ON = 500  # videos that the curve of a split is fitted on
FACTS = {"codec": "h264", "source": "", "note": ""}
TINY = 200


def make_labels(folder: Path, videos: int) -> None:
    """Write a label table with every kind of column, five videos to a scene."""
    rng = np.random.default_rng(0)
    mos = np.clip(rng.normal(3, 0.8, videos), *SCALE).round(4)
    std = rng.uniform(0.4, 1.0, videos).round(3)
    rows = (
        (
            f"part-{k // 1000:04d}/video-{k:07d}.mp4", mos[k], std[k], 30, f"scene-{k // 5}",
            *SIZES[k % 4], (25, 30, 50)[k % 3], f"kind {k % 5}",
        )
        for k in range(videos)
    )  # fmt: skip
    columns = (
        "video", "mos", "mos_std", "ratings", "content", "width", "height", "frame_rate_hz",
        "group",
    )  # fmt: skip
    write_csv(folder / "labels.csv", columns, rows)


def read_labels(folder: Path) -> Database:
    """Read the label table as `data=csv` does."""
    return csv_table.read(folder / "labels.csv", missing="keep", mos_range=SCALE)


def make_run(folder: Path, database: Database, splits: int, noise: float) -> None:
    """Write a run that only lacks its results: about n predictions in all."""
    run = open_run(folder, {"name": folder.name, "seed": 0, "model": {}, "model_name": "made"})
    run.describe(database)
    run.list_videos(database.videos, lambda _: FACTS)
    names = [video.id for video in database.videos]
    mos = np.array([video.mos for video in database.videos])
    rng = np.random.default_rng([len(names), splits, int(1e6 * noise)])
    score = 1.2 + 3.4 / (1 + np.exp(-1.4 * (mos - 3))) + rng.normal(0, noise, len(mos))
    for number in range(splits):
        test = range(TRAINED, len(names)) if splits == 1 else range(number, len(names), splits)
        train = names[:TRAINED] if splits == 1 else names[(number + 1) % splits :: splits]
        tested = tuple(names[k] for k in test)
        run.begin(Split(f"split{number}", tuple(train), (), tested, "content", 0))
        rows = [(f"split{number}", names[k], float(mos[k]), float(score[k])) for k in test]
        place, header = run.split_folder(f"split{number}"), ["split", "video", "mos", "score"]
        write_csv(place / "predictions.csv", header, rows)
        write_csv(place / FITTED, header, rows[:FITTED_ON])


# Every phase prepares what it needs and returns the work that is measured.
Work = Callable[[], object]


def labels(folder: Path) -> Work:
    """Read a label table."""
    return lambda: read_labels(folder)


def splits(folder: Path) -> Work:
    """Split by content, once and in folds; write and read a split."""
    database = read_labels(folder)

    def work() -> None:
        [split] = holdout(database, val_fraction=0.1)
        write_split(split, folder / "split.json")
        assert read_split(folder / "split.json").sha256 == split.sha256
        kfold(database, rounds=1)

    return work


def leaks(folder: Path) -> Work:
    """Join equal files and count leaks."""
    database = read_labels(folder)
    files = len(database) - TRAINED
    hashes = {video.id: f"{k % files:064x}" for k, video in enumerate(database.videos)}
    [split] = holdout(database)
    return lambda: leak_report(joined_contents(database, hashes), [split], hashes)


def inputs(folder: Path) -> Work:
    """Store and compare the inputs of a run, write and read its table of videos."""
    database = read_labels(folder)
    hashes = {video.id: f"{k:064x}" for k, video in enumerate(database.videos)}
    run = open_run(folder / "inputs", {"name": "inputs", "seed": 0, "model": {}})

    def work() -> None:
        for _ in range(2):
            run.hold(described(database, hashes, {}))
        run.list_videos(database.videos, lambda _: FACTS)
        run.videos()
        content_hash(run.folder / "inputs.json")

    return work


def results(folder: Path) -> Work:
    """Compute the results of a run."""
    load_run(folder / "second").finish()  # of the other one, which is compared with it
    return load_run(folder / "first").finish


def calibration(folder: Path) -> Work:
    """Calibrate from stored predictions."""
    run = load_run(folder / "first")
    return lambda: of_predictions(run, Seen(None, None)).save(run.folder)


def report(folder: Path) -> Work:
    """Write the page of a run."""
    write_report(folder / "second")
    return lambda: write_report(folder / "first")


def comparison(folder: Path) -> Work:
    """Compare two runs and write the page."""

    def work() -> Path:
        runs = [load_run(folder / name) for name in ("first", "second")]
        write_comparison_files(compare(runs), folder / "comparison")
        return write_comparison(folder / "comparison")

    return work


def journal(folder: Path) -> Work:
    """Resume a scoring job, and look up one file in a hundred."""
    rows = read_rows(folder)
    for row in rows:
        Path(row.path).touch()

    def work() -> None:
        again = Journal(folder / "scores.csv.partial", "job")
        assert all(again.reusable(row.path) is None for row in rows)  # they are other files
        again.close(done=False)

    return work


def tables(folder: Path) -> Work:
    """Write the rows of a scoring job in three forms."""
    read_rows(folder)
    known = Journal(folder / "scores.csv.partial", "job")
    model = {"notes": []}

    def work() -> None:
        for form in ("csv", "jsonl", "parquet"):
            output = Output(folder / f"scores.{form}", form)
            write(output, known.kept(), model=model, command="")
        known.close(done=False)

    return work


def read_rows(folder: Path) -> list[Row]:
    """Return one in a hundred of the rows of a scoring job, which is made if it is absent."""
    path = folder / "scores.csv.partial"
    made = Journal(path, "job")
    lines = (folder / "labels.csv").read_text(encoding="utf-8").splitlines()[1:]
    names = [line.partition(",")[0] for line in lines]
    times_s = [round(0.04 * k, 2) for k in range(30)]
    if not path.stat().st_size:
        for number, name in enumerate(names):
            score = Score(
                str(folder / name.replace("/", "-")), 3.0 + number % 100 / 99, SCALE, 30, times_s,
                [round(3 + 0.01 * k, 6) for k in range(30)], "pyav 1", "none", "each frame",
                source=f"{number:064x}", run="made",
            )  # fmt: skip
            made.add(Row(score.video, score.entry()))
    some = [Row(str(folder / name.replace("/", "-")), {}) for name in names[::100]]
    made.close(done=False)
    return some


OF_TABLES = (labels, splits, leaks, inputs, journal, tables)
OF_RUNS = (results, calibration, report, comparison)
PHASES = {phase.__name__: phase for phase in (*OF_TABLES, *OF_RUNS)}


def measure(name: str, folder: Path) -> dict[str, float]:
    """Run a phase in this process; return its seconds, peak memory and the size of its page."""
    work = PHASES[name](folder)
    began = time.process_time()
    made = work()
    seconds = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    page = made.stat().st_size / 1e6 if isinstance(made, Path) and made.is_file() else 0.0
    return {"seconds": seconds, "peak": peak, "page": page}


def measured_apart(name: str, folder: Path) -> dict[str, float]:
    """Run a phase in a process of its own; return what `measure` returns."""
    command = [sys.executable, "-m", "benchmarks.growth", "--measure", name, str(folder)]
    found = subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout
    return json.loads(found.splitlines()[-1])


def main(words: list[str] | None = None) -> None:
    """Print a row for each number of videos, of splits, and phase."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--videos", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--splits", type=int, nargs="+", default=[1, 10])
    parser.add_argument("--phases", nargs="+", choices=PHASES, default=list(PHASES))
    parser.add_argument("--tiny", action="store_true", help=f"{TINY} videos, all in one process")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args(words)
    if options.measure:
        name, folder = options.measure
        print(json.dumps(measure(name, Path(folder))))
        return
    sizes = [TINY] if options.tiny else options.videos
    look = measure if options.tiny else measured_apart
    print("| n | Splits | Phase | Processor seconds | Peak MB | Page MB |")
    print("|---|---|---|---|---|---|")
    for videos in sizes:
        for count in options.splits:
            with tempfile.TemporaryDirectory() as place:
                folder = Path(place)
                make_labels(folder, videos)
                if {phase.__name__ for phase in OF_RUNS} & set(options.phases):
                    database = read_labels(folder)
                    for name, noise in (("first", 0.45), ("second", 0.6)):
                        make_run(folder / name, database, count, noise)
                    del database
                for name in options.phases:
                    # Tables do not depend on the number of splits.
                    if PHASES[name] in OF_RUNS or count == options.splits[0]:
                        found = look(name, folder)
                        cells = f"{found['seconds']:.1f} | {found['peak']:.0f} | "
                        cells += f"{found['page']:.1f}" if found["page"] else ""
                        print(f"| {videos} | {count} | {name} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
