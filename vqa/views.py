"""Views: what one video looks like to a model.

A view is called with a record and yields a tensor; videos of a batch are padded together with their
lengths. The names of a learner's views are the keyword names of its network's inputs.
"""

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from vqa.cache import FeatureCache
from vqa.records import VideoRecord


class FeatureSequence:
    """A video as its sequence of cached frame features (T, D), float32.

    Args:
        cache: Where the features lie.
        memory_gb: Sequences stay in memory until they fill this much; 0 reads each time.
        device: Where they are kept and handed out; `cuda` spares the transfer of each batch.
    """

    def __init__(self, cache: FeatureCache, memory_gb: float = 4.0, device: str = "cpu") -> None:
        self.cache = cache
        self.device = device
        self._kept: dict[str, Tensor] = {}
        self._free_bytes = int(memory_gb * 2**30)

    def __call__(self, video: VideoRecord) -> Tensor:
        """The features of a video, (T, D).

        Raises:
            FileNotFoundError: They have not been extracted.
        """
        if video.id in self._kept:
            return self._kept[video.id]
        features = self.cache.load(video.id).features.to(self.device, torch.float32)
        if features.nbytes <= self._free_bytes:
            self._free_bytes -= features.nbytes
            self._kept[video.id] = features
        return features

    def times_s(self, video: VideoRecord) -> Tensor:
        """Presentation times of the described frames, (T,)."""
        return self.cache.load(video.id).times_s


def collate(samples: list[tuple[VideoRecord, Tensor]]) -> dict:
    """A batch: `features` (B, T, D) padded with zeros, `lengths` (B,), `mos` (B,), `ids`."""
    records, sequences = zip(*samples, strict=True)
    return {
        "features": pad_sequence(list(sequences), batch_first=True),
        "lengths": torch.tensor([len(sequence) for sequence in sequences]),
        "mos": torch.tensor([record.mos for record in records], dtype=torch.float32),
        "ids": [record.id for record in records],
    }
