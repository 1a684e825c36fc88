"""Draw an offline W&B run as a workspace would: `python -m benchmarks.wandb_workspace FOLDER PNG`.

Everything in the picture is read from the records of the run (`benchmarks.wandb_records`), so it
shows what W&B gets. It is a drawing, not a screenshot of W&B.
"""

import io
import json
import sys
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import imread
from PIL import Image

from benchmarks.wandb_records import Told, read_runs

CURVES = {
    "val_srocc": "Validation SROCC", "train_loss": "Training loss",
    "learning_rate": "Learning rate", "gradient_norm": "Gradient norm",
    "videos_per_second": "Videos per second",
}  # fmt: skip


def workspace(told: Told) -> Figure:
    """The panels that docs/guides/wandb.md suggests."""
    figure = Figure((11, 7.6), layout="constrained")
    figure.suptitle(
        f"W&B run {told.run.display_name}: drawn from the records of its offline files",
        fontsize=11,
    )
    panels = figure.subplots(3, 4).ravel()
    splits = [
        pattern.removesuffix("/*") for pattern, axis in told.axes.items() if axis.endswith("/epoch")
    ]
    for panel, (name, title) in zip(panels, CURVES.items(), strict=False):
        for split in splits:
            panel.plot(*zip(*told.curve(f"{split}/{name}"), strict=True), label=split, lw=1.2)
        _head(panel, title, f"<split>/{name} over <split>/epoch")
    panels[0].legend(fontsize=6, frameon=False)
    for name in ("srocc", "plcc"):
        panels[5].plot(*zip(*told.curve(f"test/{name}"), strict=True), "o-", label=name, ms=4)
    panels[5].legend(fontsize=6, frameon=False)
    _head(panels[5], "Test metrics as splits finish", "test/srocc, test/plcc over test/split")
    system = [row["proc.memory.rssMB"] for row in told.system if "proc.memory.rssMB" in row]
    panels[6].plot(system, "o-", ms=3)
    _head(panels[6], "System: memory, MB", "with a GPU also its use, memory and power")
    facts = [f"{key} {value:.4f}" for key, value in sorted(told.summary.items()) if _told(key)]
    _text(panels[7], "Summary", "\n".join(facts))
    for panel, name in zip(panels[8:10], ("scatter", "curves/srocc"), strict=True):
        panel.imshow(imread(_media(told, name)))
        panel.axis("off")
        panel.set_title(name, fontsize=8)
    for panel, name, columns in (
        (panels[10], "test_splits", (0, 1, 2, 4)), (panels[11], "predictions", (1, 2, 3)),
    ):  # fmt: skip
        table = json.loads(_media(told, name).read_text(encoding="utf-8"))
        rows = [table["columns"], *table["data"][:9]]
        lines = ["  ".join(_cell(row[place]) for place in columns) for row in rows]
        _text(panel, f"Table {name}, {len(table['data'])} rows", "\n".join(lines))
    return figure


def _told(key: str) -> bool:
    return key.startswith("median/") or key == "val_srocc"


def _media(told: Told, name: str) -> Path:
    """The file of the last picture or table of this name."""
    path = told.summary[name]["path"]
    found = [file.parent / "files" / path for file in told.files]
    return next(one for one in found if one.is_file())


def _cell(value: object) -> str:
    return (f"{value:.3f}" if isinstance(value, float) else str(value)[-11:]).rjust(11)


def _head(panel: Axes, title: str, axes: str) -> None:
    panel.set_title(f"{title}\n", fontsize=8)
    panel.text(0.5, 1.02, axes, transform=panel.transAxes, ha="center", fontsize=5.5, color="grey")
    panel.tick_params(labelsize=6)
    panel.grid(alpha=0.3)


def _text(panel: Axes, title: str, text: str) -> None:
    panel.axis("off")
    panel.set_title(title, fontsize=8)
    panel.text(0, 0.95, text, va="top", fontsize=5.6, family="monospace")


if __name__ == "__main__":
    (found,) = read_runs(Path(sys.argv[1])).values()
    drawn = io.BytesIO()
    workspace(found).savefig(drawn, dpi=100)
    Image.open(drawn).convert("RGB").quantize(64).save(sys.argv[2], optimize=True)
