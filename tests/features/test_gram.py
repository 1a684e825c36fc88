"""Gram features against literal formulas and torchvision's network, for any frames and chunks."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from safetensors.torch import save_file

from vqa.features.gram import Gram, gram_matrix, upper_triangle
from vqa.models.inception_iqa import InceptionIQA
from vqa.models.pretrained.inception import cropped
from vqa.models.pretrained.weights import WeightsError
from vqa.training.views import moments
from vqa.video import VideoInfo

TAPS = {"avgpool": 2048, "Mixed_5b": 256**2, "Mixed_5c": 288**2}


def video(frames, height=96, width=128, rate_hz=30.0):
    return VideoInfo(
        path=Path("clip.mp4"), container="mov,mp4", codec="h264", pixel_format="yuv420p",
        width=width, height=height, frames=frames, frame_rate_hz=rate_hz,
        duration_s=frames / rate_hz, rotation_deg=0, edit_list=False, keyframes=(0,),
        times_s=np.arange(frames) / rate_hz,
    )  # fmt: skip


def pictures(frames, height=96, width=128, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (frames, height, width, 3)).astype(np.uint8)


def chunked(frames, size):
    return iter([frames[start : start + size] for start in range(0, len(frames), size)])


@pytest.fixture(scope="module")
def mixed_5b():
    """The cheapest extractor, on every frame."""
    return Gram(["Mixed_5b"], "both", frames_per_second=None, weights="random", device="cpu")


@pytest.fixture(scope="module")
def clip():
    return pictures(5)


@pytest.fixture(scope="module")
def single(mixed_5b, clip):
    """The Gram matrix of each frame, (5, 65536)."""
    rows = [mixed_5b.describe(iter([frame[None]]), video(1))[0][0, 65536:] for frame in clip]
    return torch.stack(rows)


def test_the_gram_matrix_is_an_undivided_sum_of_products():
    x = torch.randn(2, 4, 3, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    wanted = torch.zeros(2, 4, 4, dtype=torch.float64)
    for n in range(2):
        for one in range(4):
            for other in range(4):
                for row in range(3):
                    for column in range(5):
                        wanted[n, one, other] += x[n, one, row, column] * x[n, other, row, column]
    assert gram_matrix(x).shape == (2, 16)
    torch.testing.assert_close(gram_matrix(x), wanted.flatten(1))
    triangle = [[wanted[n, i, j] for i in range(4) for j in range(i, 4)] for n in range(2)]
    torch.testing.assert_close(upper_triangle(gram_matrix(x)), torch.tensor(triangle).double())


@torch.inference_mode()
def test_features_agree_with_torchvisions_network(clip):
    extractor = Gram(frames_per_second=None, weights="random", device="cpu")
    features, _ = extractor.describe(iter([clip[:1]]), video(1))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = torchvision.models.inception_v3(
            weights=None, aux_logits=False, init_weights=False, transform_input=True, num_classes=1
        ).eval()
    maps = {}
    for name in TAPS:
        getattr(network, name).register_forward_hook(
            lambda _, __, output, name=name: maps.update({name: output})
        )
    seen = cropped(torch.from_numpy(clip[:1]), 338).float() / 255
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    network(torchvision.transforms.functional.normalize(seen, mean, std))
    assert maps["avgpool"].shape == (1, 2048, 1, 1)
    wanted = [maps["avgpool"].flatten()]
    for name, channels in (("Mixed_5b", 256), ("Mixed_5c", 288)):
        assert maps[name].shape == (1, channels, 35, 35)
        rows = maps[name].reshape(channels, 35 * 35)
        wanted.append((rows @ rows.T).flatten())
    parts = features[0].split(list(TAPS.values()))
    assert features.shape == (1, extractor.dim) == (1, 150_528)
    assert features.dtype == torch.float32
    for part, literal in zip(parts, wanted, strict=True):
        # Activations of a random network differ by powers of ten.
        scale = literal.abs().max().item()
        torch.testing.assert_close(part, literal, rtol=1e-4, atol=1e-5 * scale)


@pytest.mark.parametrize(
    ("layers", "upper", "dim"),
    [
        (["Mixed_5b"], False, 65_536),
        (["Mixed_5b"], True, 32_896),
        ("Mixed_5c", True, 41_616),
        (["Mixed_5c", "avgpool"], False, 2048 + 82_944),
        (["Mixed_5c", "Mixed_5b"], True, 32_896 + 41_616),
    ],
)
def test_subsets_keep_the_order_of_all_layers(layers, upper, dim, clip):
    extractor = Gram(layers, upper=upper, weights="random", device="cpu")
    features, _ = extractor.describe(iter([clip[:1]]), video(1))
    assert features.shape == (1, extractor.dim) == (1, dim)
    assert extractor.layers == tuple(layer for layer in TAPS if layer in layers)


def test_layers_are_concatenated(clip):
    avgpool, mixed, both = (
        Gram(layers, weights="random", device="cpu").describe(iter([clip[:1]]), video(1))[0]
        for layers in ("avgpool", "Mixed_5b", ["Mixed_5b", "avgpool"])
    )
    torch.testing.assert_close(both, torch.cat([avgpool, mixed], 1))


def test_frames_are_pooled_by_mean_and_maximum(clip, single, mixed_5b):
    wanted = {"mean": single.mean(0), "max": single.amax(0)}
    assert not torch.allclose(wanted["mean"], wanted["max"])
    both, _ = mixed_5b.describe(chunked(clip, 2), video(5))
    assert both.shape == (1, 2 * 65536)
    for pooling, part in zip(("mean", "max"), both[0].split(65536), strict=True):
        torch.testing.assert_close(part, wanted[pooling], rtol=1e-4, atol=1e-6)
        alone = Gram(["Mixed_5b"], pooling, frames_per_second=None, weights="random", device="cpu")
        assert torch.equal(alone.describe(chunked(clip, 2), video(5))[0][0], part)


@pytest.mark.parametrize("batch_frames", [1, 2])
def test_features_do_not_depend_on_chunks_or_batches(batch_frames, clip, single):
    extractor = Gram(
        ["Mixed_5b"], frames_per_second=None, weights="random", device="cpu",
        batch_frames=batch_frames,
    )  # fmt: skip
    for size in (1, 3, 5):
        features, _ = extractor.describe(chunked(clip, size), video(5))
        torch.testing.assert_close(features[0], single.amax(0), rtol=1e-4, atol=1e-6)


def test_two_frames_per_second_or_every_frame():
    sparse = Gram(["Mixed_5b"], weights="random", device="cpu")
    assert sparse.indices(video(90)).tolist() == [0, 15, 30, 45, 60, 75]
    assert sparse.indices(video(1)).tolist() == [0]
    # A video with a lower rate gives each of its frames once.
    assert sparse.indices(video(3, rate_hz=1.0)).tolist() == [0, 1, 2]
    dense = Gram(["Mixed_5b"], frames_per_second=None, weights="random", device="cpu")
    assert dense.indices(video(4)).tolist() == [0, 1, 2, 3]
    assert sparse.fingerprint != dense.fingerprint


def test_the_time_is_the_mean_of_the_frames(clip, mixed_5b):
    _, times_s = mixed_5b.describe(chunked(clip, 4), video(5))
    assert times_s.tolist() == pytest.approx([2 / 30])
    assert moments(times_s, 1).tolist() == times_s.tolist()


@pytest.mark.parametrize("frame", [0, 255, "odd", "tiny", "upright"])
def test_all_frames_give_finite_features(frame, mixed_5b):
    height, width = {"odd": (97, 131), "tiny": (1, 1), "upright": (400, 99)}.get(frame, (64, 64))
    frames = pictures(1, height, width)
    if isinstance(frame, int):
        frames[:] = frame
    features, times_s = mixed_5b.describe(iter([frames]), video(1, height, width))
    assert features.isfinite().all()
    assert features.abs().sum() > 0
    assert times_s.tolist() == [0.0]


def test_read_only_frames_are_accepted(clip, mixed_5b, single):
    locked = clip[:1].copy()
    locked.setflags(write=False)
    features, _ = mixed_5b.describe(iter([locked]), video(1))
    torch.testing.assert_close(features[0, 65536:], single[0])


def test_frames_that_do_not_fit_are_refused(clip, mixed_5b):
    with pytest.raises(ValueError, match=r"expected uint8 frames.*got float64"):
        mixed_5b.describe(iter([clip / 255]), video(5))
    with pytest.raises(ValueError, match=r"got uint8 \(5, 96, 128\)"):
        mixed_5b.describe(iter([clip[..., 0]]), video(5))
    for given in (iter([]), chunked(clip[:4], 3)):
        with pytest.raises(ValueError, match=r"frames of clip.mp4, expected the 5 of indices"):
            mixed_5b.describe(given, video(5))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layers": ["Mixed_5b", "Mixed_9a"]}, r"layers=.*Mixed_9a.*avgpool, Mixed_5b, Mixed_5c"),
        ({"layers": []}, "choose one or more of"),
        ({"pooling": "median"}, "pooling='median'.*max, mean, both"),
        ({"frames_per_second": 0}, "frames_per_second=0; give a positive number"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Gram(**options, weights="random", device="cpu")


def test_a_fine_tuned_network_gives_other_features(tmp_path, clip, mixed_5b):
    with torch.random.fork_rng():
        torch.manual_seed(5)
        network = InceptionIQA()
    path = tmp_path / "model.safetensors"
    save_file({f"network.{key}": value for key, value in network.state_dict().items()}, path)
    tuned = Gram(["Mixed_5b"], frames_per_second=None, weights=str(path), device="cpu")
    assert not tuned.untrained
    assert mixed_5b.untrained
    assert tuned.weights.startswith("inception_v3 model.safetensors sha256:")
    assert tuned.fingerprint != mixed_5b.fingerprint
    features, _ = tuned.describe(chunked(clip, 5), video(5))
    other, _ = mixed_5b.describe(chunked(clip, 5), video(5))
    assert not torch.allclose(features, other[:, 65536:], rtol=0.01)
    with pytest.raises(WeightsError, match="no weights file"):
        Gram(weights=str(tmp_path / "none.pth"), device="cpu")


def test_fingerprints_depend_on_options_not_on_spelling():
    def fingerprint(**options):
        return Gram(**{"layers": ["Mixed_5b"], "weights": "random", **options}).fingerprint

    assert fingerprint() == fingerprint(layers="Mixed_5b", batch_frames=1)
    others = {
        fingerprint(pooling="mean"), fingerprint(upper=True), fingerprint(layers=["Mixed_5c"]),
        fingerprint(frames_per_second=1), fingerprint(),
    }  # fmt: skip
    assert len(others) == 5
