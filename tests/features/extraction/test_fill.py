"""Filling the cache: correct features, bad files listed, work shared by shards."""

import csv
import os
import shutil

import pytest
import torch

from tests.clips import cut, damage, overwrite, write_clip
from tests.fakes import MeanColour, clip_database
from vqa.databases.records import VideoRecord
from vqa.features.extraction.cache import DamagedFeaturesError, FeatureCache, content_key
from vqa.features.extraction.feature_source import FeatureSource
from vqa.features.extraction.fill import ExtractionError, shard_of, write_failures
from vqa.features.extraction.pipeline import extract_videos
from vqa.features.nothing import Nothing, Probed
from vqa.files import content_hash
from vqa.identity import Identities
from vqa.training.views import FeatureSequence
from vqa.video import VideoError, read_frames
from vqa.video.sampling import uniform_indices


def fill(videos, extractor, cache, **options):
    """Fill a cache without a progress bar."""
    return FeatureSource(extractor, cache, **options).fill(videos, progress=False)


def test_streamed_features_equal_those_of_the_whole_video(clips, clips_cache):
    outcome = fill(clips.videos, MeanColour(), clips_cache)
    assert outcome.made == [video.id for video in clips.videos]
    assert not outcome.failures
    for video in clips.videos:
        frames = read_frames(video.path, range(34), reader="pyav")
        stored = clips_cache.load(content_key(video))
        torch.testing.assert_close(stored.features[:34], MeanColour()(frames))
        assert len(stored.features) == len(stored.times_s) > 33
        assert stored.times_s[1].item() == pytest.approx(1 / 30, abs=1e-3)
        assert stored.metadata["reader"].startswith("pyav ")


def test_a_second_run_extracts_nothing_and_a_changed_file_is_detected(clips_cache, tmp_path):
    videos = clip_database(tmp_path / "own", 2).videos
    fill(videos, MeanColour(), clips_cache)
    again = fill(videos, MeanColour(), clips_cache)
    assert again.reused == [video.id for video in videos]
    assert not again.made
    write_clip(videos[0].path, 40)
    third = fill(videos, MeanColour(), clips_cache)
    assert third.made == [videos[0].id]
    assert len(clips_cache.load(content_key(videos[0])).features) == 40


@pytest.mark.parametrize("kind", ["content", "sampled"])
def test_a_file_that_is_replaced_after_its_hash_fails(clips_cache, tmp_path, kind):
    video = clip_database(tmp_path / "own", 1).videos[0]
    source = FeatureSource(MeanColour(), clips_cache, identities=Identities(kind))
    source.identity(video)
    write_clip(video.path, 40)
    failures = source.fill([video], progress=False).failures
    assert "the file changed before it was read" in failures[video.id]
    assert not list(clips_cache.folder.rglob("*.safetensors"))
    assert fill([video], MeanColour(), clips_cache, identities=Identities(kind)).made == [video.id]


def test_a_fixed_rate_describes_the_frames_shown_at_each_time(clips, clips_cache):
    video = clips.videos[0]
    fill([video], MeanColour(), clips_cache, frame_rate_hz=10)
    stored = clips_cache.load(content_key(video))
    assert len(stored.features) == 12  # 34 frames at 30 Hz last 1.13 s
    wanted = MeanColour()(read_frames(video.path, range(0, 34, 3)))
    torch.testing.assert_close(stored.features, wanted)


def test_a_number_of_frames_takes_the_middles_of_equal_parts(clips, clips_cache):
    video = clips.videos[0]
    fill([video], MeanColour(), clips_cache, frames=8)
    fill([clips.videos[1]], MeanColour(), clips_cache, frames=64)
    found = clips_cache.load(content_key(video))
    indices = uniform_indices(34, 8)
    frames = read_frames(video.path, indices)
    torch.testing.assert_close(found.features, MeanColour()(frames))
    assert found.times_s.tolist() == pytest.approx((indices / 30).tolist())
    assert len(clips_cache.load(content_key(clips.videos[1])).features) == 64
    with pytest.raises(ValueError, match=r"frames=8 and frame_rate_hz=4"):
        fill([clips.videos[2]], MeanColour(), clips_cache, frames=8, frame_rate_hz=4)


def test_files_are_checked_for_models_that_read_them(clips, clips_cache, tmp_path):
    broken = tmp_path / "cut.mp4"
    broken.write_bytes(clips.videos[0].path.read_bytes()[:-400])
    videos = [clips.videos[0], VideoRecord("cut.mp4", broken, 3.0)]
    outcome = fill(videos, Nothing(), clips_cache)
    assert outcome.made == [clips.videos[0].id]
    assert list(outcome.failures) == ["cut.mp4"]
    found = clips_cache.load(content_key(clips.videos[0]))
    assert found.features.shape == (34, 0)
    assert found.metadata["frames"] == "34"


def test_a_probe_reads_the_container_and_decodes_nothing_else(clips, clips_cache, tmp_path):
    whole, short, noisy = (
        write_clip(tmp_path / f"{name}.mp4", 40) for name in ("whole", "short", "noisy")
    )
    short.write_bytes(short.read_bytes()[:-400])
    damage(noisy)
    videos = [VideoRecord(path.name, path, 3.0) for path in (whole, short, noisy)]
    (_, result), *_ = extract_videos(videos[:1], Probed())
    assert (result.info.frames, result.frames_read, result.frames_decoded) == (40, 1, 1)
    assert list(fill(videos, Probed(), clips_cache).failures) == ["short.mp4"]
    whole_cache = FeatureCache(tmp_path / "whole", "none", "f" * 64)
    assert list(fill(videos, Nothing(), whole_cache).failures) == ["short.mp4", "noisy.mp4"]


def test_bad_files_are_listed_and_the_others_extracted(clips, clips_cache, tmp_path):
    truncated = cut(write_clip(tmp_path / "cut.mp4", 40))
    (tmp_path / "empty.mp4").touch()
    bad = [
        VideoRecord("cut.mp4", truncated, 3.0),
        VideoRecord("empty.mp4", tmp_path / "empty.mp4", 3.0),
        VideoRecord("gone.mp4", tmp_path / "gone.mp4", 3.0),
    ]
    videos = [bad[0], clips.videos[0], *bad[1:], clips.videos[1]]
    outcome = fill(videos, MeanColour(), clips_cache)
    assert outcome.made == [video.id for video in clips.videos[:2]]
    assert set(outcome.failures) == {"cut.mp4", "empty.mp4", "gone.mp4"}
    write_failures(outcome.failures, tmp_path / "failures.csv")
    with (tmp_path / "failures.csv").open() as file:
        rows = {row["video"]: row["cause"] for row in csv.DictReader(file)}
    assert "empty" in rows["empty.mp4"]
    with pytest.raises(ExtractionError, match="on_error=skip of these features"):
        fill(videos, MeanColour(), clips_cache, on_error="raise")
    with pytest.raises(ValueError, match="skip or raise"):
        fill(videos, MeanColour(), clips_cache, on_error="ignore")


def test_a_frame_that_the_extractor_refuses_fails_only_its_video(clips, clips_cache, tmp_path):
    class Picky(MeanColour):
        def __call__(self, frames, context=0):
            if frames.shape[1] < 90:
                raise ValueError("frames too small")
            return super().__call__(frames, context)

    small = write_clip(tmp_path / "small.mp4", 40, size=(64, 48))
    videos = [VideoRecord("small.mp4", small, 2.0), clips.videos[0]]
    outcome = fill(videos, Picky(), clips_cache)
    assert outcome.failures == {"small.mp4": "frames too small"}
    assert outcome.made == [clips.videos[0].id]


def test_shards_are_disjoint_and_complete(clips):
    parts = [shard_of(clips.videos, f"{i}/4") for i in range(1, 5)]
    ids = [video.id for part in parts for video in part]
    assert sorted(ids) == sorted(video.id for video in clips.videos)
    for wrong in ("0/4", "5/4", "1", "a/b", "1/0"):
        with pytest.raises(ValueError, match="i/n"):
            shard_of(clips.videos, wrong)


def test_equal_files_are_described_once_whatever_their_names(clips, clips_cache, tmp_path):
    names = ["a" * 251 + ".mp4", "视" * 83 + ".mp4", os.fsdecode(b"caf\xe9.mp4")]
    twins = []
    for name in names:
        shutil.copy(clips.videos[0].path, tmp_path / name)
        twins.append(VideoRecord(name, tmp_path / name, 3.0))
    source = FeatureSource(MeanColour(), clips_cache)
    source.fill(twins[:1], progress=False)
    assert source.fill(twins, progress=False).reused == names
    assert len(list(clips_cache.folder.rglob("*.safetensors"))) == 1
    assert {source.metadata(video)["source"] for video in twins} == {content_hash(twins[0].path)}


def test_two_databases_with_the_same_names_do_not_share_features(clips, clips_cache, tmp_path):
    """The second is extracted while the first is in use, as by a second command."""
    own, other = tmp_path / "own" / "a.mp4", tmp_path / "other" / "a.mp4"
    for path, clip in ((own, clips.videos[0]), (other, clips.videos[1])):
        path.parent.mkdir()
        shutil.copy(clip.path, path)
    first, second = (VideoRecord("a.mp4", path, 3.0) for path in (own, other))
    source = FeatureSource(MeanColour(), clips_cache)
    source.fill([first], progress=False)
    FeatureSource(MeanColour(), clips_cache).fill([second], progress=False)
    assert len(source.load(first).features) == 34
    assert source.metadata(first)["source"] == content_hash(own)


def test_what_is_loaded_is_what_was_checked_although_the_file_changes(clips_cache, tmp_path):
    (video,) = clip_database(tmp_path / "own", 1).videos
    source = FeatureSource(MeanColour(), clips_cache)
    source.fill([video], progress=False)
    write_clip(video.path, 40)
    fill([video], MeanColour(), clips_cache)
    assert len(source.load(video).features) == 34


def test_damaged_features_are_extracted_again(clips, clips_cache, caplog):
    video = clips.videos[0]
    fill([video], MeanColour(), clips_cache)
    path = clips_cache.path(content_key(video))
    whole = path.read_bytes()
    overwrite(path, len(whole) - 3, bytes([whole[-3] ^ 1]))
    with pytest.raises(DamagedFeaturesError, match="another checksum"):
        FeatureSource(MeanColour(), clips_cache).load(video)
    assert fill([video], MeanColour(), clips_cache).made == [video.id]
    assert "extracted again" in caplog.text
    assert path.read_bytes() == whole


class Undefined(MeanColour):
    """Gives a value that is not a number."""

    context = 0

    def __call__(self, frames, context=0):
        found = MeanColour.__call__(self, frames)
        found[0, 0] = torch.nan
        return found


def test_features_that_are_not_finite_fail_their_video(clips, clips_cache):
    class Large(MeanColour):
        def __call__(self, frames, context=0):
            return 1e6 * MeanColour.__call__(self, frames, context)

    video = clips.videos[0]
    cause = fill([video], Undefined(), clips_cache).failures[video.id]
    assert cause == "3 of 204 features of mean-colour are not finite numbers"
    cause = fill([video], Large(), clips_cache, dtype=torch.float16).failures[video.id]
    assert "not finite numbers in float16; set dtype=float32" in cause
    assert not list(clips_cache.folder.rglob("*.safetensors"))


def test_undefined_features_are_kept_if_their_definition_allows_them(clips, clips_cache):
    class Allowed(Undefined):
        undefined = True

    source = FeatureSource(Allowed(), clips_cache)
    source.fill(clips.videos[:1], progress=False)
    assert source.metadata(clips.videos[0])["undefined"] == "3"
    with pytest.raises(VideoError, match=r"3 of 204 features of mean-colour are not finite"):
        FeatureSequence([source])(clips.videos[0])


def test_a_file_that_changes_while_it_is_read_is_a_failure(clips, clips_cache, tmp_path):
    path = tmp_path / "a.mp4"
    shutil.copy(clips.videos[0].path, path)

    class Slow(MeanColour):
        def __call__(self, frames, context=0):
            with path.open("ab") as file:
                file.write(b"more")
            return super().__call__(frames, context)

    outcome = fill([VideoRecord("a.mp4", path, 3.0)], Slow(), clips_cache)
    assert "changed while it was read" in outcome.failures["a.mp4"]
