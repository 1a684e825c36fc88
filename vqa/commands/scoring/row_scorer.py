"""Scores as flat rows, for frameworks that send a callable to worker processes."""

from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vqa.commands.scoring.scorer import Scorer

NAMES = ("video", "path", "item")  # columns that may hold the path


class RowScorer:
    """A model that gives a row for a video, for Ray Data, NeMo Curator and their like.

    It is exported as `vqa.Scorer`. Only its arguments travel to a worker process, which loads the
    model at the first video. `vqa.load` gives a scorer whose scores are objects.

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
        self._scorer: Scorer | None = None

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
            row, name = video, next((name for name in NAMES if name in video), None)
            if name is None:
                raise ValueError(
                    f"expected a row with the path in one of {', '.join(NAMES)}, found the columns "
                    f"{', '.join(map(str, row)) or 'none'}"
                )
            video = str(row[name])
        if self._scorer is None:
            from vqa.api import load

            self._scorer = load(self.model, **self.options)
        return {**row, **flat(self._scorer(str(video)).entry())}

    def __getstate__(self) -> dict[str, Any]:
        """Leave the loaded model out: it is loaded again where it is needed."""
        return {**self.__dict__, "_scorer": None}
