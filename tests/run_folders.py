"""A made-up, seeded run folder like that of a finished run, for tests of its readers."""

import hashlib
import json

import numpy as np
import pandas as pd
from PIL import Image

from vqa.evaluation.summary import summarise
from vqa.files import write_json

AWKWARD = "Test1/<b>bold</b> & 'quoted'.avi"


def predictions(splits=3, videos=120, tested=48, seed=0):
    """Predictions of several splits over one database; the first video has an awkward name."""
    rng = np.random.default_rng(seed)
    names = [AWKWARD, *(f"content-{index // 6:02d}/v{index:03d}.mp4" for index in range(1, videos))]
    mos = rng.uniform(1, 5, videos)
    rows = []
    for split in range(splits):
        chosen = [0, *(1 + rng.permutation(videos - 1)[: tested - 1])]
        for index in chosen:
            score = 1.2 + 3.4 / (1 + np.exp(-(mos[index] - 3) * 1.4)) + rng.normal(0, 0.45)
            rows.append((f"split-{split}", names[index], mos[index], score))
    return pd.DataFrame(rows, columns=["split", "video", "mos", "score"])


def minimal(folder, table=None):
    """Write only what a report needs."""
    folder.mkdir(parents=True, exist_ok=True)
    (predictions() if table is None else table).to_csv(folder / "predictions.csv", index=False)
    return folder


def complete(folder, table=None):
    """Write everything that a run writes."""
    table = predictions() if table is None else table
    minimal(folder, table)
    write_json(folder / "results.json", summarise(table, resamples=200).to_json())
    (folder / "config.yaml").write_text(CONFIG)
    write_json(folder / "environment.json", ENVIRONMENT)
    write_json(folder / "notes.json", ["Features come from <untrained> weights (weights: random)."])
    (folder / "failures.csv").write_text(
        'video,cause\nbroken & <i>cut</i>.mp4,"truncated after 41 of 240 frames"\n'
        "empty.avi,no video stream\n"
    )
    for number, (name, part) in enumerate(table.groupby("split")):
        _split(folder, name, list(part["video"]), number)
        _history(folder, name, number)
    write_json(folder / "evidence.json", _evidence(folder, table))
    videos(table).to_csv(folder / "videos.csv", index=False)
    return folder


def videos(table):
    """Return the facts about the videos; none for the first, no duration for some."""
    names = sorted(set(table["video"]) - {AWKWARD})
    sizes = [(1920, 1080), (1280, 720), (404, 720), (640, 480)]
    rows = [{"video": AWKWARD}]
    for index, name in enumerate(names):
        width, height = sizes[index % len(sizes)]
        rate = 29.97 if index % 3 else 25.0
        facts = {"width": width, "height": height, "frame_rate_hz": rate, "codec": "h264"}
        kind = ("blur", "noise & <i>grain</i>")[index % 2]
        frames = round(8.01 * rate)
        row = {"video": name, "mos": 3.0, "content": name[:10], "group": kind, "frames": frames}
        rows.append(row | facts | ({} if index % 5 else {"duration_s": 10.2}))
    columns = (
        "video", "mos", "mos_std", "ratings", "content", "group", "width", "height",
        "frame_rate_hz", "frames", "duration_s", "codec",
    )  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


CONFIG = """\
name: gstvqa-demo
seed: 0
data: {_target_: vqa.databases.demo.read, name: demo, contents: 24, versions: 6, missing: error}
features: {multiscale: {_target_: vqa.features.multiscale.Multiscale, name: multiscale, scales: 5}}
model:
  _target_: vqa.training.learners.adversarial.AdversarialLearner
  network: {_target_: vqa.models.gstvqa.GSTVQA, hidden: 32}
  epochs: 30
  lr: 0.0005
protocol: {_target_: vqa.protocols.repeated, name: repeated, splits: 3, group_by: content}
trainer: {accelerator: cpu, devices: 1, precision: 32-true}
"""
ENVIRONMENT = {
    "python": "3.11.7",
    "torch": "2.15.0",
    "pytorch-lightning": "2.6.0",
    "vqa": "0.1.0",
    "commit": "4c1f09ad2be7",
    "device": "CPU, 2 threads",
    "command": "python train.py model=gstvqa data=demo seed=0 data.filter='a<b'",
    "started": "2026-03-01 12:00:00",
    "seconds": 193.4,
}


def _split(folder, name, test, number):
    (folder / "splits").mkdir(exist_ok=True)
    split = {
        "name": name,
        "train": [f"train-{index}" for index in range(60)],
        "val": ["val-0", "val-1"],
        "test": test,
        "group_by": "content",
        "seed": number,
    }
    digest = hashlib.sha256(json.dumps(split).encode()).hexdigest()
    write_json(folder / "splits" / f"{name}.json", split | {"sha256": digest})


def _history(folder, name, seed, epochs=30):
    rng = np.random.default_rng(seed)
    epoch = np.arange(epochs)
    decay = np.exp(-epoch / 8)
    table = pd.DataFrame(
        {
            "epoch": epoch,
            "train_loss": decay + rng.normal(0, 0.02, epochs) + 0.2,
            "val_loss": 0.9 * decay + 0.35 + rng.normal(0, 0.04, epochs),
            "val_srocc": 0.75 * (1 - decay) + rng.normal(0, 0.03, epochs),
            "critic_loss": -0.6 * decay + rng.normal(0, 0.05, epochs),
        }
    )
    table.loc[table["epoch"] % 2 == 1, ["val_loss", "val_srocc"]] = np.nan
    (folder / name).mkdir(exist_ok=True)
    table.to_csv(folder / name / "history.csv", index=False)


def _evidence(folder, table):
    rng = np.random.default_rng(0)
    (folder / "evidence").mkdir(exist_ok=True)
    error = (table["score"] - table["mos"]).sort_values()
    chosen = [(row, "under") for row in error.index[:2]] + [
        (row, "over") for row in error.index[-2:]
    ]
    cases = []
    for number, (row, kind) in enumerate(chosen):
        strip = f"evidence/{number}.jpg"
        _strip(rng).save(folder / strip, quality=80)
        times = np.arange(0, 8, 0.1)
        wave = 0.4 * np.sin(times * (1 + number)) + rng.normal(0, 0.08, len(times))
        case = table.loc[row].to_dict() | {"kind": kind, "strip": strip, "mos_range": [1, 5]}
        quality = np.clip(case["score"] + wave, 1, 5)
        cases.append(case | {"times_s": times, "frame_quality": quality})
    return cases


def _strip(rng, frames=5, height=90, width=160):
    """A few smooth frames side by side."""
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    phase = rng.uniform(0, 6, 3)
    pictures = [
        np.stack(
            [128 + 100 * np.sin(5 * x + 3 * y * c + p + t / 2) for c, p in enumerate(phase)], -1
        )
        for t in range(frames)
    ]
    return Image.fromarray(np.concatenate(pictures, axis=1).astype(np.uint8))
