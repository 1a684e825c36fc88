"""The card of a model folder: what it scores, what it was trained on, how well it did."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from vqa.evaluation.summary import summarise
from vqa.evaluation.text import number
from vqa.runs import Run
from vqa.runs.calibration import Calibration
from vqa.runs.packing import notes_for_scores

SHOWN = ("srocc", "plcc", "rmse")
LEVEL = 0.9
FEWEST = 30  # videos; fewer tell nothing


def card(run: Run, tested: Run, config: Mapping[str, Any], about: str) -> str:
    """Return the text of a model's card.

    Args:
        run: The run that is packed.
        tested: The run that tested its settings on held-out videos; may be `run`.
        config: Settings of the model folder.
        about: Text of the author's own, at the end.
    """
    if (run.folder / "README.md").is_file():  # a model folder
        return (run.folder / "README.md").read_text(encoding="utf-8")
    low, high = run.database["mos_range"]
    lines = [
        f"# {config['name']}",
        "",
        f"Scores videos from {low:g} to {high:g}, the MOS scale of {run.database['name']}; higher "
        "is better. No reference video is needed.",
        "",
        f"- Model: {config.get('model_name', '')}, trained on {run.database['videos']} videos",
        f"- Features: {', '.join(config['features']) or 'none'}",
        *(f"- Note: {note}" for note in notes_for_scores(run)),
        "",
        "```bash",
        f"vqa score {'clip.mp4' if config['name'] == 'ugc' else '<this folder> clip.mp4'}",
        "```",
        "",
    ]
    if tested.results() is not None:
        lines += measured(tested)
    return "\n".join([*lines, about]).rstrip() + "\n"


def measured(run: Run) -> Iterator[str]:
    """Yield the numbers on held-out videos: of the splits, by database, by size of the frames."""
    predictions, videos = run.predictions(), run.videos()
    if predictions is None:
        return
    names = predictions["split"].nunique()
    yield "## Measured"
    yield ""
    yield (
        f"On held-out videos, each scored by a model that was not trained on it ({names} "
        f"{'splits' if names > 1 else 'split'}). In brackets: 95 % intervals."
    )
    yield ""
    yield "| Videos | Number | SROCC | PLCC | RMSE |"
    yield "|---|---:|---:|---:|---:|"
    yield row("all, median of the splits" if names > 1 else "all", predictions)
    if predictions["video"].duplicated().any():
        return
    known = videos.loc[predictions["video"]].reset_index(drop=True)
    sides = known[["width", "height"]].min(axis=1)
    for title, values in (("{}", known["group"]), ("{:g}p", sides)):
        parts = predictions.reset_index(drop=True).assign(split="all").groupby(values)
        if len(parts) > 1:
            for value, part in parts:
                if len(part) >= FEWEST:
                    yield row(title.format(value), part)
    calibration = Calibration.load(run.folder)
    middle = sum(run.database["mos_range"]) / 2
    if calibration is not None and (interval := calibration.interval(middle, LEVEL)):
        yield ""
        half = (interval[1] - interval[0]) / 2
        yield f"The {LEVEL:.0%} interval of a score is about {half:.2f} to either side."
    yield ""


def row(name: str, predictions: pd.DataFrame) -> str:
    """Return a line of the table: number of videos, and metrics with their intervals."""
    summary = summarise(predictions).summary
    cells = []
    for metric in SHOWN:
        interval = summary.intervals.get(metric)
        ends = f" [{number(interval[0])}, {number(interval[1])}]" if interval else ""
        cells.append(f"{number(summary.median[metric])}{ends}")
    return f"| {name} | {summary.videos} | " + " | ".join(cells) + " |"
