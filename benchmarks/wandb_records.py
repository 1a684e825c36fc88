"""Read offline W&B runs record by record: `python -m benchmarks.wandb_records FOLDER`.

FOLDER is a run folder, or any folder with `wandb/offline-run-*` below it. A `.wandb` file is
LevelDB's log format after a header of seven bytes; each of its records is a protocol buffer of
wandb's own. Several files can belong to one W&B run, one for each time that a job was resumed.
"""

import json
import struct
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wandb.proto.wandb_internal_pb2 import Record

BLOCK, HEAD, BEGIN = 32768, 7, 7
WHOLE, LAST = 1, 4


def records(path: Path) -> Iterator[Record]:
    """The records of one `.wandb` file; what a killed process left unfinished at the end is not."""
    data, at, parts = path.read_bytes(), BEGIN, b""
    while at + HEAD <= len(data):
        if BLOCK - at % BLOCK < HEAD:
            at += BLOCK - at % BLOCK
            continue
        _, length, kind = struct.unpack("<IHB", data[at : at + HEAD])
        part = data[at + HEAD : at + HEAD + length]
        if len(part) < length:
            return
        parts += part
        at += HEAD + length
        if kind in (WHOLE, LAST):
            yield Record.FromString(parts)
            parts = b""


@dataclass
class Told:
    """One W&B run, from all its files in the order in which they were begun.

    Attributes:
        run: The record that opened it: name, id, group, job type, tags.
        files: Its `.wandb` files.
        kinds: Number of records of each kind.
        config, summary: By key.
        axes: Metric (a pattern) -> the metric that it is drawn over.
        history: The logged rows, in order.
        system: The rows of system metrics.
        artifacts: Type -> names of the files.
    """

    run: Any
    files: list[Path] = field(default_factory=list)
    kinds: Counter = field(default_factory=Counter)
    config: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    axes: dict[str, str] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    system: list[dict[str, float]] = field(default_factory=list)
    artifacts: dict[str, list[str]] = field(default_factory=dict)

    def curve(self, name: str) -> list[tuple[float, float]]:
        """A metric over its axis."""
        group = name.rpartition("/")[0]
        axis = self.axes.get(name) or self.axes.get(f"{group}/*") or "_step"
        return [(row[axis], row[name]) for row in self.history if name in row and axis in row]


def read_runs(folder: Path) -> dict[str, Told]:
    """The W&B runs below a folder, by name."""
    found: dict[str, Told] = {}
    for path in sorted(folder.rglob("offline-run-*/*.wandb"), key=lambda file: file.parent.name):
        told = None
        for record in records(path):
            kind = record.WhichOneof("record_type")
            if kind == "run" and told is None:
                told = found.setdefault(record.run.display_name, Told(record.run))
                told.files.append(path)
            if told is not None:
                told.kinds[kind] += 1
                _take(told, kind, record)
    return found


def _take(told: Told, kind: str, record: Record) -> None:
    if kind == "run":
        told.config |= _values(record.run.config.update)
    elif kind == "config":
        told.config |= _values(record.config.update)
    elif kind == "summary":
        told.summary |= _values(record.summary.update)
    elif kind == "history":
        told.history.append(_values(record.history.item))
    elif kind == "stats":
        told.system.append({item.key: float(item.value_json) for item in record.stats.item})
    elif kind == "metric" and record.metric.step_metric:
        told.axes[record.metric.glob_name or record.metric.name] = record.metric.step_metric
    elif kind == "artifact":
        files = [entry.path for entry in record.artifact.manifest.contents]
        told.artifacts.setdefault(record.artifact.type, []).extend(files)


def _values(items: Any) -> dict[str, Any]:
    """By key; what has several parts, such as a table, is one mapping."""
    found: dict[str, Any] = {}
    for item in items:
        *outer, name = [item.key] if item.key else item.nested_key
        place = found
        for key in outer:
            place = place[key] if isinstance(place.get(key), dict) else place.setdefault(key, {})
        place[name] = json.loads(item.value_json)
    return found


def main(folder: str) -> None:
    """Print every W&B run below a folder."""
    for name, told in read_runs(Path(folder)).items():
        run = told.run
        tags = f", tags {', '.join(run.tags)}" if run.tags else ""
        print(f"\n{name}  (id {run.run_id}, {run.job_type}, group {run.run_group}{tags})")
        print(
            f"  files     {len(told.files)}: {', '.join(file.parent.name for file in told.files)}"
        )
        kinds = ", ".join(f"{kind} {count}" for kind, count in told.kinds.most_common())
        print(f"  records   {kinds}")
        print(f"  settings  {', '.join(sorted(told.config))}")
        for pattern, axis in told.axes.items():
            print(f"  axis      {pattern} over {axis}")
        for number, row in enumerate(told.history):
            plain = {key: value for key, value in row.items() if not key.startswith("_")}
            print(f"  history   {number}: " + ", ".join(map(_shown, plain.items())))
        for pair in sorted(told.summary.items()):
            if not pair[0].startswith("_"):
                print(f"  summary   {_shown(pair)}")
        if told.system:
            names = ", ".join(sorted(told.system[-1]))
            print(f"  system    {len(told.system)} rows of {names}")
        for kind, files in told.artifacts.items():
            print(f"  artifact  {kind}: {len(files)} files, {', '.join(files[:6])}")


def _shown(pair: tuple[str, Any]) -> str:
    key, value = pair
    if isinstance(value, dict):
        rows = f" of {value['nrows']} rows" if "nrows" in value else ""
        return f"{key}=<{value.get('_type', 'values')}{rows}>"
    return f"{key}={value:.4g}" if isinstance(value, float) else f"{key}={value}"


if __name__ == "__main__":
    main(sys.argv[1])
