"""The fixed bank: chunks, signs and scales of its channels, unusual frames."""

import numpy as np
import pytest
import torch

from vqa.features.multiscale import Multiscale


def clip(frames=5, height=60, width=80, seed=0):
    """Return a drifting smooth pattern with slight noise, uint8 (frames, height, width, 3)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    shots = []
    for index in range(frames):
        wave = np.sin((x + 2 * index) / 7) + np.cos((y - index) / 5)
        colours = np.stack([128 + 40 * wave, 120 + 30 * wave, 110 - 25 * wave], axis=-1)
        shots.append(colours + rng.normal(0, 2, colours.shape))
    return np.clip(shots, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def extractor():
    return Multiscale()


def mean_of(extractor, features, name):
    return features[:, extractor.names.index(name)]


def deviation_of(extractor, features, name):
    return features[:, extractor.dim // 2 + extractor.names.index(name)]


@pytest.mark.parametrize(("height", "width"), [(16, 16), (17, 31), (33, 16), (90, 160)])
def test_every_size_gives_the_same_finite_vector_length(extractor, height, width):
    features = extractor(clip(3, height, width))
    assert features.shape == (3, extractor.dim)
    assert features.dtype == torch.float32
    assert torch.isfinite(features).all()


def test_names_are_unique_and_half_the_dimension(extractor):
    assert len(set(extractor.names)) == len(extractor.names) == extractor.dim // 2
    assert 120 <= extractor.dim <= 300


def test_two_extractors_agree_bit_for_bit(extractor):
    frames = clip()
    assert Multiscale().fingerprint == extractor.fingerprint
    assert torch.equal(Multiscale()(frames), extractor(frames))


@pytest.mark.parametrize("cut", [2, 3, 4])
def test_chunks_do_not_change_the_numbers(extractor, cut):
    frames = clip(7)
    whole = extractor(frames)
    parts = [extractor(frames[:cut]), extractor(frames[cut - 1 :], context=1)]
    assert torch.equal(torch.cat(parts), whole)


def test_only_the_last_of_several_past_frames_counts(extractor):
    frames = clip(6)
    longer = extractor(frames, context=3)
    assert longer.shape[0] == 3
    assert torch.equal(longer, extractor(frames[2:], context=1))


def test_the_first_frame_takes_only_the_temporal_channels_of_the_second(extractor):
    frames = clip(3)
    features = extractor(frames)
    temporal = torch.tensor(["change" in name for name in extractor.names]).repeat(2)
    assert torch.equal(features[0, temporal], features[1, temporal])
    assert torch.equal(features[0, ~temporal], extractor(frames[:1])[0, ~temporal])
    assert not torch.equal(features[0, ~temporal], features[1, ~temporal])


def test_a_single_frame_has_no_change(extractor):
    features = extractor(clip(1))
    temporal = torch.tensor(["change" in name for name in extractor.names]).repeat(2)
    assert torch.equal(features[0, temporal], torch.zeros(int(temporal.sum())))


@pytest.mark.parametrize("grey", [0, 77, 255])
def test_flat_frames_have_neither_contrast_nor_change(extractor, grey):
    features = extractor(np.full((2, 48, 64, 3), grey, np.uint8))
    assert torch.isfinite(features).all()
    kinds = [name.split("/")[0] for name in extractor.names]
    full = [k for k, n in enumerate(kinds) if n.endswith(("flatness", "smoothness", "stillness"))]
    assert (features[:, full] - 1).abs().max() < 0.05
    quiet = [k for k, n in enumerate(kinds) if n != "luminance" and k not in full]
    # sums of a plane are float32: a flat plane is flat to a tenth of a grey level
    assert features[:, quiet].abs().max() < 0.15


def test_luminance_and_opponent_colours_have_the_right_sign(extractor):
    def plain(red, green, blue):
        frame = np.zeros((1, 32, 32, 3), np.uint8)
        frame[...] = (red, green, blue)
        return extractor(frame)

    dark, light = plain(20, 20, 20), plain(230, 230, 230)
    luminance = next(name for name in extractor.names if name.startswith("luminance/"))
    assert mean_of(extractor, light, luminance) > mean_of(extractor, dark, luminance)
    assert mean_of(extractor, plain(200, 50, 50), "red_green/1") > 1.0
    assert mean_of(extractor, plain(50, 200, 50), "red_green/1") < -1.0
    assert mean_of(extractor, plain(180, 180, 20), "yellow_blue/1") > 1.0
    assert mean_of(extractor, plain(20, 20, 180), "yellow_blue/1") < -1.0


def test_contrast_agrees_with_a_literal_window(extractor):
    """Compare local deviations under [1 2 2 2 1]/8 squared, pixel by pixel, with the fast sums."""
    frame = clip(1, 20, 24)
    luminance = frame[0].astype(np.float64) @ [0.299, 0.587, 0.114]
    window = np.outer([1, 2, 2, 2, 1], [1, 2, 2, 2, 1]) / 64
    values = []
    for top in range(20 - 4):
        for left in range(24 - 4):
            patch = luminance[top : top + 5, left : left + 5]
            mean = (window * patch).sum()
            values.append(np.sqrt((window * (patch - mean) ** 2).sum()))
    features = extractor(frame)
    expected = np.log1p(np.mean(values)), np.log1p(np.std(values))
    assert mean_of(extractor, features, "contrast/0").item() == pytest.approx(expected[0], abs=1e-4)
    assert deviation_of(extractor, features, "contrast/0").item() == pytest.approx(
        expected[1], abs=1e-4
    )


def test_mscn_hardly_depends_on_brightness(extractor):
    frames = clip(2) // 2
    moved = extractor(frames + np.uint8(60)), extractor(frames)
    for name in ("mscn_abs/0", "mscn_horizontal/1"):
        one, other = (mean_of(extractor, features, name) for features in moved)
        assert torch.allclose(one, other, atol=1e-3)


def test_noise_raises_the_high_pass_and_blur_lowers_it(extractor):
    frames = clip(2)
    rng = np.random.default_rng(1)
    noisy = np.clip(frames + rng.normal(0, 12, frames.shape), 0, 255).astype(np.uint8)
    soft = sum(np.roll(frames.astype(np.float64), (a, b), (1, 2)) for a in (0, 1) for b in (0, 1))
    high_pass = [
        mean_of(extractor, extractor(video), "grain/0").mean()
        for video in (noisy, frames, (soft / 4).astype(np.uint8))
    ]
    assert high_pass[0] > high_pass[1] > high_pass[2]


def test_a_frozen_frame_shows_no_change(extractor):
    frames = clip(4)
    frames[2] = frames[1]
    change = mean_of(extractor, extractor(frames), "change_abs/0")
    assert change[2] == 0.0
    assert change[1] > 0.5
    assert change[3] > 0.5


def test_flicker_is_signed(extractor):
    frames = np.full((3, 32, 32, 3), 100, np.uint8)
    frames[1] += 20
    change = mean_of(extractor, extractor(frames), "change/0")
    assert change[1].item() == pytest.approx(np.log1p(20), abs=1e-3)
    assert change[2].item() == pytest.approx(-np.log1p(20), abs=1e-3)


@pytest.mark.parametrize(
    ("axis", "name", "other"),
    [
        (1, "blockiness_horizontal", "blockiness_vertical"),
        (0, "blockiness_vertical", "blockiness_horizontal"),
    ],
)
def test_blockiness_responds_to_the_grid_of_its_own_direction(extractor, axis, name, other):
    steps = np.arange(64) // 8 % 2 * 30 + 100
    plane = np.broadcast_to(steps, (64, 64)) if axis == 1 else np.broadcast_to(steps, (64, 64)).T
    features = extractor(np.repeat(plane[None, :, :, None], 3, axis=3).astype(np.uint8))

    def find(kind):
        return next(full for full in extractor.names if full.startswith(kind))

    assert mean_of(extractor, features, find(name)).item() == pytest.approx(np.log1p(30), abs=1e-3)
    assert mean_of(extractor, features, find(other)).item() == pytest.approx(0.0, abs=1e-3)


def test_read_only_and_strided_frames_are_accepted_and_unchanged(extractor):
    frames = clip(3)
    expected = extractor(frames)
    frames.flags.writeable = False
    mirrored = np.ascontiguousarray(frames[:, :, ::-1])[:, :, ::-1]
    before = frames.copy()
    assert torch.equal(extractor(frames), expected)
    assert torch.equal(extractor(mirrored), expected)
    assert np.array_equal(frames, before)


@pytest.mark.parametrize(
    ("frames", "context", "words"),
    [
        (np.zeros((2, 32, 32, 3), np.float32), 0, "uint8"),
        (np.zeros((32, 32, 3), np.uint8), 0, "uint8 frames"),
        (np.zeros((2, 3, 32, 32), np.uint8), 0, "uint8 frames"),
        (np.zeros((2, 15, 32, 3), np.uint8), 0, "at least 16"),
        (np.zeros((2, 32, 32, 3), np.uint8), 2, "leaves none of 2"),
        (np.zeros((2, 32, 32, 3), np.uint8), -1, "context=-1"),
        (np.zeros((0, 32, 32, 3), np.uint8), 0, "at least one"),
    ],
)
def test_bad_input_is_refused_with_a_clear_error(extractor, frames, context, words):
    with pytest.raises(ValueError, match=words):
        extractor(frames, context)
