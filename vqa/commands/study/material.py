"""What a figure of a study is made from, and what it returns."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from vqa.commands.experiment import Experiment
from vqa.runs import Run

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Material:
    """The trained models and the databases of one study.

    Attributes:
        compose: From overrides of `train` to an experiment, with the study's own overrides, the
            user's, and in smoke size those of the demo; for example
            `compose("data=konvid", "features=vgg16").sources`.
        runs: Finished trainings, by their names in the study; those whose database is absent are
            missing.
        databases: Names of the databases that are present, as the study calls them.
        videos: Files that the user named for this figure (`videos=`); may be empty.
    """

    compose: Callable[..., Experiment]
    runs: Mapping[str, Run]
    databases: Sequence[str]
    videos: Sequence[Path] = ()

    def of_run(self, training: str, database: str) -> Experiment:
        """Return the experiment of a training on one of the study's databases."""
        own = self.compose(f"data={database}").config
        run = self.runs[training]
        return Experiment.of_run(run, data=own["data"], paths=own["paths"], trust=None)


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a study; it is written as SVG and PDF, frames as an animated GIF.

    Attributes:
        name: Name of the files, without suffix.
        caption: What it shows, with the numbers a reader needs; plain text.
        figure: The figure, drawn at the size at which it is printed; None for an animation.
        frames: Pictures of an animation, uint8 (T, H, W, 3); None for a figure.
        frame_rate_hz: Of the animation.
        rows: The numbers that are drawn, written as CSV; None if there are none.
        notes: Sentences that every reader must see, such as that weights are random.
    """

    name: str
    caption: str
    figure: "Figure | None" = None
    frames: "Sequence[np.ndarray] | None" = None
    frame_rate_hz: float = 4.0
    rows: "pd.DataFrame | None" = None
    notes: Sequence[str] = field(default=())
