"""Statistics of a video: windows, order of the numbers, chunks, unusual videos, MATLAB's output."""

import av
import numpy as np
import pytest
import torch

from benchmarks import nss as literal
from tests.places import ROOT
from vqa.features.nss import NAMES, NSS
from vqa.features.nss import window_vector as module
from vqa.features.nss.chosen_frames import windows
from vqa.features.nss.names import BLOCKS, MEANINGS, table
from vqa.video import probe

DATA = ROOT.parent / "shared" / "data"
CLIPS = DATA / "konvid-clips" / "KoNViD_1k_videos"
PUBLISHED = DATA / "nss"


def one_process(**options):
    """Return an extractor that works in this process."""
    return NSS(device="cpu", workers=1, **options)


def describe(extractor, frames, info, chunk=3):
    needed = frames[extractor.indices(info)]
    chunks = (needed[k : k + chunk] for k in range(0, len(needed), chunk))
    return extractor.describe(chunks, info)


def pooled(features):
    """Return the mean over the seconds (1836,), with 0 for what is undefined or above 1e6.

    Whether a ratio of nearly constant deviations is infinite or huge depends on rounding.
    """
    mean = features.nanmean(0)
    return torch.where(mean.abs() <= 1e6, mean, 0.0)


def video(frames=13, height=40, width=52, rate_hz=6, seed=0):
    return literal.moving_pattern(frames, height, width, seed), literal.made_up_info(
        frames, height, width, rate_hz
    )


def literal_windows(frames, rate):
    """Return (centre, before, after, run) by the wording of the published definition, 0-based."""
    found, centre = [], rate // 2
    while centre <= frames - 2:
        before = max(1, centre - rate // 3)
        after = min(frames - 2, centre + rate // 3)
        start = max(1, centre - 4)
        found.append((centre, before, after, list(range(start, min(frames - 3, start + 7) + 1))))
        centre += rate
    return found


@pytest.mark.parametrize("rate", [24, 25, 30, 60])
@pytest.mark.parametrize("frames", [40, 100, 192, 240, 241, 255])
def test_windows_agree_with_the_release(frames, rate):
    ours = [(w.centre, w.before, w.after, list(w.run)) for w in windows(frames, rate - 0.02)]
    assert ours == literal_windows(frames, rate)


@pytest.mark.parametrize("rate", [0.2, 1, 2.5, 25, 1000])
@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5, 9, 14])
def test_windows_of_short_videos_stay_within_them(frames, rate):
    found = windows(frames, rate)
    assert found
    for window in found:
        assert 1 <= len(window.run) <= 8
        assert window.frames <= set(range(frames))


def test_a_video_without_frames_or_rate_is_refused():
    for frames, rate in ((0, 25), (10, 0), (10, float("nan"))):
        with pytest.raises(ValueError, match="at least one frame"):
            windows(frames, rate)


def test_every_number_has_a_name_of_its_own():
    assert len(NAMES) == len(set(NAMES)) == NSS.dim == 1836
    assert (len(BLOCKS), len(MEANINGS)) == (54, 34)
    assert NAMES[0] == "mean.y.full.ggd.gamma"
    assert NAMES[3 * 34 + 4] == "mean.gm.half.aggd_h.alpha"
    assert NAMES[680 + 19 * 34 + 3] == "diff.gm_lab_b.half.sigma.ratio"
    assert NAMES[1360] == "temporal.haar1.full.ggd.gamma"
    assert NAMES[1835] == "temporal.haar7.half.log_diagonals.s"


def test_the_documentation_names_every_dimension():
    assert table() in (ROOT / "docs" / "reference" / "nss.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("matrix", ["bt601", "original"])
def test_features_agree_with_the_plain_version(matrix):
    frames, info = video()
    extractor = one_process(yuv_matrix=matrix, precision="float64")
    features, times_s = describe(extractor, frames, info)
    needed = {i: frames[i] for i in extractor.indices(info)}
    expected = literal.literal_features(needed, info, matrix=matrix)
    assert features.shape == expected.shape == (2, 1836)
    np.testing.assert_allclose(times_s, [3 / 6, 9 / 6])
    np.testing.assert_allclose(features, expected, rtol=1e-7, atol=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("double_resize", [True, pytest.param(False, marks=pytest.mark.exhaustive)])
def test_large_frames_are_shrunk_as_in_the_plain_version(double_resize):
    frames, info = video(4, 540, 520, 3)
    extractor = one_process(precision="float64", double_resize=double_resize)
    features, _ = describe(extractor, frames, info)
    needed = {i: frames[i] for i in extractor.indices(info)}
    expected = literal.literal_features(needed, info, double_resize=double_resize)
    aggd = np.array(["aggd" in name for name in NAMES])
    np.testing.assert_allclose(features[:, ~aggd], expected[:, ~aggd], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(features[:, aggd], expected[:, aggd], rtol=0.01, atol=0.01)


def test_float32_and_float64_agree():
    frames, info = video()
    single, _ = describe(one_process(precision="float32"), frames, info)
    double, _ = describe(one_process(precision="float64"), frames, info)
    lab = torch.tensor(["lab" in name for name in NAMES])
    torch.testing.assert_close(single[:, ~lab], double[:, ~lab], rtol=1e-4, atol=1.1e-3)
    exact = torch.tensor(["alpha" not in name and "gamma" not in name for name in NAMES]) & ~lab
    scale = torch.cat([double[:, :680], double[:, :680], double[:, 1360:]], 1).abs()
    apart = (single - double).abs()
    assert (apart <= 1e-4 * scale + 1e-6)[:, exact].float().mean() > 0.99


@pytest.mark.parametrize("block", [0, 3, 9, 16, 25, 41, 53])
def test_a_block_depends_only_on_its_own_map(block, monkeypatch):
    frames, info = video(5, 40, 48)
    plain, _ = describe(one_process(), frames, info)
    spatial, temporal = module.spatial_maps, module.temporal_maps
    place = block % 20 if block < 40 else block - 40
    full = place % 2 == 0 and (place < 8 or block >= 40)
    half = place // 2 if place < 8 or block >= 40 else place - 4

    def altered(maps):
        chosen = maps[0][place // 2] if full else maps[1][half]
        chosen[5:15, 5:15] = torch.arange(100.0).reshape(10, 10) ** 2 % 97
        return maps

    if block < 40:
        monkeypatch.setattr(module, "spatial_maps", lambda *a: altered(spatial(*a)))
    else:
        monkeypatch.setattr(module, "temporal_maps", lambda *a: altered(temporal(*a)))
    changed, _ = describe(one_process(), frames, info)
    blocks = (changed - plain).abs().reshape(-1, 54, 34).nansum((0, 2))
    expected = {block % 20, block % 20 + 20} if block < 40 else {block}
    assert set(blocks.nonzero().flatten().tolist()) == expected


def test_chunks_workers_and_later_seconds_do_not_change_the_numbers():
    frames, info = video(40, 24, 32, 8)
    whole, times_s = describe(one_process(), frames, info, chunk=100)
    assert len(whole) == len(times_s) == 5
    for chunk, workers in ((1, 1), (7, 2)):
        other, _ = describe(NSS(workers=workers, device="cpu"), frames, info, chunk)
        assert torch.equal(other.nan_to_num(-1), whole.nan_to_num(-1))
    shorter = literal.made_up_info(16, 24, 32, 8)
    first, _ = describe(one_process(), frames[:16], shorter)
    assert torch.equal(first[0].nan_to_num(-1), whole[0].nan_to_num(-1))


def test_overlapping_windows_get_their_frames():
    frames, info = video(12, 20, 20, 1)
    extractor = one_process()
    features, times_s = describe(extractor, frames, info, chunk=2)
    assert times_s.tolist() == list(range(11))
    window = windows(12, 1)[6]
    alone = module.window_vector(
        frames[sorted(window.frames)], window, (20, 20), extractor.definition
    )
    np.testing.assert_array_equal(alone, features[6])


@pytest.mark.parametrize("level", [0, 16, 128, 255])
def test_constant_frames_pool_to_finite_numbers(level):
    info = literal.made_up_info(6, 33, 47, 3)
    frames = np.full((6, 33 * 47 + 2 * 17 * 24), level, dtype=np.uint8)
    features, _ = describe(one_process(), frames, info)
    assert features.isnan().any()
    vector = pooled(features)
    assert vector.isfinite().all()
    assert vector[NAMES.index("mean.y.full.ggd.s")].abs() < 1e-9


@pytest.mark.parametrize(
    ("count", "height", "width"), [(1, 40, 40), (2, 33, 51), (3, 16, 17), (9, 27, 90)]
)
def test_short_odd_and_tiny_videos_pool_to_finite_numbers(count, height, width):
    frames, info = video(count, height, width, 30)
    features, times_s = describe(one_process(), frames, info)
    assert features.shape == (1, 1836)
    assert times_s.shape == (1,)
    vector = pooled(features)
    assert vector.isfinite().all()
    assert (vector != 0).float().mean() > 0.6


def test_a_grey_video_has_finite_colour_statistics():
    frames, info = video(8, 40, 60, 4)
    frames[:, 40 * 60 :] = 128
    features, _ = describe(one_process(), frames, info)
    vector = pooled(features)
    assert vector.isfinite().all()
    assert vector.abs().max() <= 1e6
    luma = torch.tensor([name.startswith("mean.y.") for name in NAMES])
    assert (vector[luma] != 0).all()


def test_errors_name_their_cause():
    frames, info = video()
    extractor = one_process()
    with pytest.raises(ValueError, match="planar 4:2:0 of 52x40"):
        extractor.describe(iter([frames[:, :-1]]), info)
    with pytest.raises(ValueError, match=r"ended before frame \d+"):
        extractor.describe(iter([frames[:2]]), info)
    with pytest.raises(ValueError, match="too small"):
        extractor.indices(literal.made_up_info(5, 15, 40, 25))
    for options in ({"yuv_matrix": "bt709"}, {"precision": "half"}, {"workers": 0}):
        with pytest.raises(ValueError, match=next(iter(options))):
            NSS(**options)


def test_the_fingerprint_depends_on_everything_that_changes_numbers():
    options = [{}, {"yuv_matrix": "original"}, {"double_resize": False}, {"precision": "float64"}]
    assert len({NSS(**choice).fingerprint for choice in options}) == 4
    assert NSS(workers=1, device="cpu").fingerprint == NSS().fingerprint


def decoded(path, indices):
    """Return planar frames (n, P) of a clip, directly from the decoder's planes."""
    wanted, rows = set(indices.tolist()), []
    with av.open(str(path)) as container:
        for index, frame in enumerate(container.decode(video=0)):
            if index in wanted:
                planes = [
                    np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[:, : plane.width]
                    for plane in frame.planes
                ]
                rows.append(np.concatenate([plane.ravel() for plane in planes]))
    return np.stack(rows)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "9571377943",
        pytest.param("6076608135", marks=pytest.mark.exhaustive),
        pytest.param("8562619627", marks=pytest.mark.exhaustive),
    ],
)
def test_real_clips_agree_with_the_authors_matlab_output(name):
    if not PUBLISHED.is_dir() or not CLIPS.is_dir():
        pytest.skip("the authors' features and clips are not at ../shared/data")
    info = probe(CLIPS / f"{name}.mp4")
    extractor = one_process()
    frames = decoded(info.path, extractor.indices(info))
    ours = extractor.describe(iter([frames]), info)[0].nanmean(0).numpy()
    published = np.loadtxt(PUBLISHED / f"{name}.csv")
    apart = np.abs(ours - published)
    assert np.corrcoef(ours, published)[0, 1] > 0.999999
    assert np.mean(apart <= 1e-3 * np.abs(published)) > 0.65
    # Well-conditioned: no AGGD fits, which depend on the signs of rounding errors in flat regions,
    # and no LAB, whose constants are not public. A difference of two frames is compared on the
    # scale of their mean, a shape with a tolerance of a third of the grid's step of 0.001.
    scale = np.concatenate([published[:680], published[:680], published[1360:]])
    shape = np.array([label.endswith("gamma") for label in NAMES])
    sound = np.array(["aggd" not in label and "lab" not in label for label in NAMES])
    assert sound.sum() == 828
    allowed = 1e-4 * np.abs(scale) + np.where(shape, 1e-3 / 3, 0)
    assert (apart <= allowed)[sound].all()
