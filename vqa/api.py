"""The Python face: load a model, score videos, list the models."""

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow

    from vqa.commands.scoring.scorer import Scorer as LoadedScorer

PATH_COLUMNS = ("video", "path", "item")  # in the order in which they are looked for


def load(
    model: str | Path = "ugc",
    *,
    weights: str | Path | None = None,
    backbone_weights: str | Path | None = None,
    cache: str | Path | None = None,
    device: str = "auto",
    damaged: str = "refuse",
    trust: Sequence[str] = (),
    level: float = 0.9,
    fps: float | None = None,
    max_seconds: float | None = None,
    identity: str = "content",
    explain: bool = False,
) -> "LoadedScorer":
    """Load a model for scoring.

    `load("ugc")` is the model inside the package, `load("runs/<run>")` a run or model folder,
    `load("hf://owner/name")` a model folder on the Hugging Face hub, and
    `load("vsfa", weights="VSFA.pt")` the weights that the authors of a model published.

    Args:
        model: The model.
        weights: A file of published weights; `model` is then the name of the published model.
        backbone_weights: A file with the weights of its backbone; None loads them by name.
        cache: Folder of the feature cache, which makes scoring a file again almost free; None
            stores no features.
        device: `cpu`, `cuda`, or `auto`: the GPU if there is one and the run was trained on one.
        damaged: `refuse`, or `score` to score damaged files by their good frames.
        trust: Packages besides vqa that the model's configuration may use.
        level: Probability of the intervals.
        fps: Score this many frames per second; None scores those that the model was trained on.
        max_seconds: Score only the beginning of each video; None scores all of it.
        identity: How a file is identified: by its `content`, or `sampled` by size, time and some
            bytes, which is cheaper.
        explain: Also say why a video scores as it does, as `explanation` of each score.

    Raises:
        RunError: The folder is not a run, or was written by another version.
        FileNotFoundError: The run is not finished.
        ValueError: An option that the model cannot follow, or weights that do not go with it.
    """
    from vqa.commands.scoring.choice import opened
    from vqa.commands.scoring.scorer import Scorer

    run = opened(model, weights=weights, backbone_weights=backbone_weights, cache=cache)
    return Scorer(
        run, cache=cache, device=device, damaged=damaged, trust=trust, level=level, fps=fps,
        max_seconds=max_seconds, identity=identity, explain=explain,
    )  # fmt: skip


class Scorer:
    """A model that gives a row for a video, for Ray Data, NeMo Curator and their like.

    Only its arguments travel to a worker process, which loads the model at the first video.
    `vqa.load` gives a scorer whose scores are objects.

    Args:
        model: See `vqa.load`: a folder that the workers see, or the name of a model.
        **options: Those of `vqa.load`.

    Examples:
        >>> import vqa
        >>> row = vqa.Scorer("ugc", device="cpu")("gone.mp4")
        >>> row["score"] is None, "no such file" in row["error"].lower()
        (True, True)
    """

    def __init__(self, model: str | PathLike[str] = "ugc", **options: Any) -> None:
        self.model, self.options = str(model), options
        self._loaded: LoadedScorer | None = None

    def __call__(self, video: str | PathLike[str] | Mapping[str, Any]) -> dict[str, Any]:
        """Score one video.

        Args:
            video: Its path, or a row with the path in the column `video`, `path` or `item`; further
                columns are passed on.

        Returns:
            The columns of `vqa score -o scores.parquet`; for a video that cannot be scored, `error`
            says why and `score` is None.

        Raises:
            ValueError: A row without a path.
        """
        from vqa.commands.scoring.tables import flat

        row: Mapping[str, Any] = {}
        if isinstance(video, Mapping):
            row, name = video, next((name for name in PATH_COLUMNS if name in video), None)
            if name is None:
                raise ValueError(
                    f"expected a row with the path in one of {', '.join(PATH_COLUMNS)}, found the "
                    f"columns {', '.join(map(str, row)) or 'none'}"
                )
            video = str(row[name])
        if self._loaded is None:
            self._loaded = load(self.model, **self.options)
        return {**row, **flat(self._loaded(str(video)).entry())}

    @staticmethod
    def typed(rows: "pyarrow.Table") -> "pyarrow.Table":
        """Give the columns of rows their types, which a table of failed videos alone would lack.

        Tables of one type can be written as parts of one dataset.

        Args:
            rows: Rows as an Arrow table, possibly with further columns.
        """
        from vqa.commands.scoring.tables import typed

        return typed(rows)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the loaded model out: it is loaded again where it is needed."""
        return {**self.__dict__, "_loaded": None}


def list_models() -> list[str]:
    """List the names of the models that can be trained.

    Examples:
        >>> import vqa
        >>> "vsfa" in vqa.list_models()
        True
    """
    from vqa.commands.models import models

    return [model.name for model in models()]
