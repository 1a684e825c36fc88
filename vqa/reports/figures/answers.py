"""Answers of a network that compares pictures with descriptions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from vqa.reports.figures.printed import PAGE, PRINTED, in_style, sheet, show, thumbnail
from vqa.reports.style import BLUE, INK, MUTED

MOST_LINES = 12  # videos that get a line of their own
GAP = 6  # pixels between pictures side by side
PALE = "#b9cfe0"
FRAME_WIDTH = 1.6  # inches: of a frame next to bars, at most


@dataclass(frozen=True, slots=True)
class Course:
    """The answer to one description while videos are changed in steps.

    Attributes:
        title: The description.
        steps: Steps of the change (S,), 0 for the original.
        answers: Answer of each video at each step (V, S).
        examples: Pictures of equal size: the first step, the original, the last step.
        remark: Text in the plot.
    """

    title: str
    steps: np.ndarray
    answers: np.ndarray
    examples: Sequence[np.ndarray]
    remark: str


def answers_over_steps(courses: Sequence[Course]) -> Figure:
    """Plot the mean answer over the steps with the spread over videos, a panel a description.

    The band holds all videos; up to a dozen also have a thin line each.
    """
    count = len(courses)
    wide = (PAGE - 0.3) / count - 0.25
    strips = [strip(course.examples, wide) for course in courses]
    high = wide * max(one.shape[0] / one.shape[1] for one in strips)
    with in_style():
        figure, axes = sheet(PAGE, 1.95 + high, 2, count, height_ratios=(high, 1.3))
        for column, course, pictures in zip(axes.T, courses, strips, strict=True):
            column[0].set_title(course.title)
            show(column[0], pictures)
            _course(column[1], course)
        axes[1, 0].set_ylabel("answer", color=INK)
    return figure


def strip(pictures: Sequence[np.ndarray], width: float) -> np.ndarray:
    """Put pictures uint8 (H, W, 3) of equal size side by side on white, for a width in inches."""
    small = [thumbnail(picture, width / len(pictures)) for picture in pictures]
    gap = np.full((len(small[0]), GAP, 3), 255, np.uint8)
    parts = [part for picture in small for part in (picture, gap)][:-1]
    return np.concatenate(parts, axis=1)


def _course(axes: Axes, course: Course) -> None:
    answers = course.answers
    axes.fill_between(
        course.steps, answers.min(0), answers.max(0), color=BLUE, alpha=0.12, linewidth=0
    )
    if len(answers) <= MOST_LINES:
        axes.plot(course.steps, answers.T, color=MUTED, linewidth=0.5, alpha=0.6)
    axes.plot(course.steps, answers.mean(0), "o-", color=BLUE, markersize=3)
    ends = course.steps[[0, -1]]
    axes.set_xticks([ends[0], 0, ends[1]], ["−", "0", "+"])
    axes.tick_params(axis="x", labelsize=9)
    axes.set_xlabel(course.remark, color=INK)
    axes.margins(y=0.08)
    axes.yaxis.set_major_locator(MaxNLocator(4))


@dataclass(frozen=True, slots=True)
class Answered:
    """A frame and the answers to several descriptions.

    Attributes:
        frame: uint8 (H, W, 3).
        title: Text above it.
        answers: Answer by description, from 0 to 1.
        chosen: The description that the frame is shown for; empty for none.
    """

    frame: np.ndarray
    title: str
    answers: Mapping[str, float]
    chosen: str = ""


def frames_with_answers(cells: Sequence[Answered]) -> Figure:
    """Draw each frame next to a bar for each of its answers, two frames side by side.

    All bars have one scale; that of the description that a frame is shown for is dark.
    """
    columns = min(2, len(cells))
    rows = -(-len(cells) // columns)
    with in_style(**{"axes.titlepad": 3}):
        figure = Figure((PAGE / 2 * columns, 1.32 * rows), layout="constrained")
        for place in figure.subfigures(rows, columns, squeeze=False).flat:
            place.set_facecolor("none")
        for place, cell in zip(figure.subfigs, cells, strict=False):
            pictures, bars = place.subplots(1, 2, width_ratios=(1.1, 1))
            show(pictures, thumbnail(cell.frame, FRAME_WIDTH, 1.1))
            pictures.set_title(cell.title, loc="left", fontsize=PRINTED["axes.labelsize"])
            _bars(bars, cell)
    return figure


def _bars(axes: Axes, cell: Answered) -> None:
    names = list(cell.answers)
    shades = [BLUE if name == cell.chosen or not cell.chosen else PALE for name in names]
    values = list(cell.answers.values())
    axes.barh(range(len(names)), values, color=shades, height=0.62)
    for place, value in enumerate(values):
        axes.text(value + 0.03, place, f"{value:.3f}", va="center", fontsize=7, color=INK)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", labelcolor=INK)
    axes.set(xlim=(0, 1.25), ylim=(len(names) - 0.4, -0.6), xticks=[])
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)
    axes.axvline(0, color=mpl.rcParams["axes.edgecolor"], linewidth=0.8)
