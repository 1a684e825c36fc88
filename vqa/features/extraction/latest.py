"""Features of one video at a time, for what is too large to keep: frames that a model reads."""

from torch import Tensor

from vqa.features.extraction.cache import FeatureCache, Features


class LatestFeatures(FeatureCache):
    """The features that were stored last, in memory; earlier ones are gone."""

    def __init__(self) -> None:
        super().__init__(".", "latest", "")
        self.root = None
        self._latest: tuple[str, Features] | None = None

    def checked(self, key: str) -> dict[str, str] | None:
        """Return None: by the time a video's turn comes, others have been stored."""
        return None

    def store(self, key: str, features: Tensor, times_s: Tensor, metadata: dict[str, str]) -> None:
        """Keep the features of a content instead of those before."""
        self._latest = key, Features(features, times_s, metadata)

    def load(self, key: str) -> Features:
        """Return the features of a content.

        Raises:
            FileNotFoundError: Those of another content were stored last.
        """
        if self._latest is None or self._latest[0] != key:
            raise FileNotFoundError(
                "expected the video that was read last, found another; load each before the next"
            )
        return self._latest[1]

    def note_seconds(self, key: str, seconds: float) -> None:
        """Note nothing."""

    def seconds(self) -> dict[str, float]:
        """Return nothing."""
        return {}
