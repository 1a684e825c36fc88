"""What stops a loading process is one line."""

import sys

import pytest
from torch._utils import ExceptionWrapper

from vqa.training.errors import TrainingError, loading
from vqa.video import VideoError


def from_a_worker(error):
    """Raise an error as a DataLoader raises what it gets from a loading process."""
    try:
        raise error
    except type(error):
        wrapped = ExceptionWrapper(sys.exc_info(), where="in DataLoader worker process 0")
    wrapped.reraise()


def test_a_video_that_cannot_be_read_is_named_with_the_remedy():
    with pytest.raises(TrainingError) as failure, loading():
        from_a_worker(VideoError("a.mp4", "damaged; data.check=decode finds it", 3))
    assert str(failure.value) == "a.mp4: damaged; data.check=decode finds it (after 3 frames)"


def test_other_errors_keep_their_kind():
    with pytest.raises(ValueError, match=r"^wrong$"), loading():
        from_a_worker(ValueError("wrong"))
    with pytest.raises(TrainingError, match="a loading process was killed"), loading():
        raise RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed.")
