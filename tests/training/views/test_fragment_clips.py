"""Views: what training and evaluation see of a file, and how it becomes a batch."""

import numpy as np
import pytest
import torch

from tests.clips import write_clip
from tests.fakes import rated_clips
from tests.training.learners.fakes import KeptSequence
from vqa.databases.records import Database, VideoRecord
from vqa.protocols.splits import Split
from vqa.training.datamodule import VQADataModule
from vqa.training.views import FragmentClips, Views
from vqa.video import VideoError, read_frames
from vqa.video.sampling import clip_indices

SMALL = {"clip_length": 4, "frame_interval": 2, "grid_size": 3, "patch_size": 32}


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    return rated_clips(tmp_path_factory.mktemp("videos"), 6, 40)


def loaders(videos, view=None, **options):
    names = tuple(video.id for video in videos)
    split = Split("split0", names, (), (), "video", 0)
    views = Views({"fragments": view or FragmentClips(**SMALL)})
    return VQADataModule(Database("d", (1.0, 6.0), tuple(videos)), split, views, **options)


def epoch_of(data, epoch):
    """What every video looks like in one epoch of training."""
    loader = data.train_dataloader()
    loader.batch_sampler.sampler.set_epoch(epoch)
    seen = {}
    for batch in loader:
        seen |= dict(zip(batch["ids"], batch["inputs"]["fragments"], strict=True))
    return seen


def test_evaluation_sees_patches_of_the_clips_own_frames(videos):
    (clips,) = [FragmentClips(**SMALL)(videos[0])]
    assert clips.shape == (4, 4, 96, 96, 3)
    assert clips.dtype == torch.uint8
    indices = clip_indices(40, 4, clip_length=4, frame_interval=2)
    frames = read_frames(videos[0].path, indices.ravel()).reshape(*indices.shape, 120, 160, 3)
    for clip, pictures in zip(clips.numpy(), frames, strict=True):
        for row in range(3):
            for column in range(3):
                cell = pictures[:, 40 * row : 40 * row + 40, 53 * column : 53 * column + 53]
                patch = clip[:, 32 * row : 32 * row + 32, 32 * column : 32 * column + 32]
                places = [
                    (y, x)
                    for y in range(cell.shape[1] - 31)
                    for x in range(cell.shape[2] - 31)
                    if np.array_equal(cell[:, y : y + 32, x : x + 32], patch)
                ]
                assert places, "no place of its own cell holds the patch, aligned in all frames"


def test_evaluation_is_the_same_each_time_whatever_the_file_is_called(videos, tmp_path):
    view = FragmentClips(**SMALL)
    copy = tmp_path / "other name.mp4"
    copy.write_bytes(videos[0].path.read_bytes())
    once = view(videos[0])
    assert torch.equal(once, view(videos[0]))
    assert torch.equal(once, view(VideoRecord("another", copy, 1.0)))


def test_training_draws_by_seed_epoch_and_video_alone(videos):
    seen = epoch_of(loaders(videos, batch_size=2), 3)
    assert seen["v0"].shape == (1, 4, 96, 96, 3)
    for other in (
        loaders(videos, batch_size=4),
        loaders(videos, batch_size=3, num_workers=2),
        loaders(videos[::-1], batch_size=6),
    ):
        again = epoch_of(other, 3)
        assert all(torch.equal(seen[name], again[name]) for name in seen)
    assert not torch.equal(seen["v0"], epoch_of(loaders(videos), 4)["v0"])
    assert not torch.equal(seen["v0"], epoch_of(loaders(videos, seed=1), 3)["v0"])


def test_a_sampler_of_plain_places_shows_what_evaluation_sees(videos):
    # Lightning's `overfit_batches` puts one in.
    dataset = loaders(videos).train_dataloader().dataset
    _, seen, _ = dataset[0]
    assert torch.equal(seen["fragments"], FragmentClips(**SMALL)(videos[0]))


def test_times_are_those_of_the_clips(videos):
    view = FragmentClips(**SMALL)
    times = view.times_s(videos[0])
    indices = clip_indices(40, 4, clip_length=4, frame_interval=2)
    assert times.tolist() == pytest.approx((indices.mean(1) / 30).tolist())


def test_fragments_in_time_spread_over_the_video(videos):
    options = {**SMALL, "clip_length": 8, "time_fragments": 4, "aligned": 2}
    view = FragmentClips(**options, num_clips=1)
    assert view(videos[0]).shape == (1, 8, 96, 96, 3)
    with pytest.raises(ValueError, match="num_clips=1"):
        FragmentClips(**options)


def test_views_join_their_inputs_and_the_last_gives_the_times(videos):
    features = {video.id: torch.rand(5 + place, 3) for place, video in enumerate(videos)}
    views = Views({"features": KeptSequence(features), "fragments": FragmentClips(**SMALL)})
    inputs = views.collate([views(video) for video in videos[:2]])
    assert {name: tuple(value.shape) for name, value in inputs.items()} == {
        "features": (2, 6, 3),
        "lengths": (2,),
        "fragments": (2, 4, 4, 96, 96, 3),
    }
    assert inputs["lengths"].tolist() == [5, 6]
    assert views.alone(videos[0])["fragments"].shape[0] == 1
    assert torch.equal(views.times_s(videos[0]), FragmentClips(**SMALL).times_s(videos[0]))


def test_a_file_that_cannot_be_read_says_so(tmp_path):
    path = tmp_path / "broken.mp4"
    path.write_bytes(b"no video")
    with pytest.raises(VideoError, match=r"broken\.mp4"):
        FragmentClips()(VideoRecord("broken", path, 1.0))


def test_a_video_shorter_than_a_clip_and_smaller_than_its_patches(tmp_path):
    path = tmp_path / "small.mp4"
    write_clip(path, 3, size=(64, 48))
    assert FragmentClips(**SMALL)(VideoRecord("small", path, 1.0)).shape == (4, 4, 96, 96, 3)
