"""What InceptionV3 is given: its weights, and images in its size.

The weights are those of ImageNet, a file, or what `train.py model=inception_iqa` has learned.
"""

from torch import Tensor, nn
from torchvision.models import Inception_V3_Weights
from torchvision.transforms.v2 import functional

from vqa.models.inception_iqa import SIDE
from vqa.models.pretrained.weights import WeightsError, local_state, published_state

IMAGENET = Inception_V3_Weights.IMAGENET1K_V1
REMEDY = (
    "name a local file, or ask for untrained ones by name with `random` (features.gram.weights for "
    "Gram features, model.start.weights for fine-tuning)"
)


def load_inception(network: nn.Module, weights: str = "imagenet") -> None:
    """Fill an InceptionV3, in place.

    Args:
        network: One of torchvision's, or a network that has one as `inception`.
        weights: `imagenet` (torchvision's, downloaded by its own loader); a local file in
            torchvision's layout, or a run's `split0/model.safetensors` of `model=inception_iqa`;
            or `random` to leave the network as it is. The last layer comes along where its size is
            the network's, so from a run and not from ImageNet.

    Raises:
        WeightsError: The weights cannot be had, or are of another network.
    """
    if weights == "random":
        return
    target = getattr(network, "inception", network)
    wanted = target.state_dict()
    if weights == "imagenet":
        state = published_state(IMAGENET, "the ImageNet weights of InceptionV3", REMEDY)
    else:
        stored = local_state(weights, REMEDY)
        state = {key.removeprefix("network.inception."): value for key, value in stored.items()}
    fitting = {
        key: tensor
        for key, tensor in state.items()
        if key in wanted and tensor.shape == wanted[key].shape
    }
    missing = target.load_state_dict(fitting, strict=False).missing_keys
    if absent := [key for key in missing if not key.startswith("fc.")]:
        raise WeightsError(
            f"{weights} does not hold InceptionV3: {len(absent)} of its tensors are missing or "
            f"have another shape, {absent[0]} first; a file in torchvision's layout or a run's "
            "split0/model.safetensors of model=inception_iqa is expected"
        )


def cropped(frames: Tensor, short_side: int | None = None) -> Tensor:
    """The centres of frames, in the network's size.

    Bilinear resizing with antialiasing and whole numbers as the result, on the CPU: as PIL does it,
    up to a step of one in 255, and the same whatever device the network runs on.

    Args:
        frames: uint8 (n, H, W, 3) on the CPU.
        short_side: Resize so that the shorter side has so many pixels, at least 299. None resizes
            only what is smaller than 299, to 299.

    Returns:
        uint8 (n, 3, 299, 299).
    """
    images = frames.permute(0, 3, 1, 2)
    short_side = short_side or max(SIDE, min(images.shape[2:]))
    images = functional.resize(images, [short_side], antialias=True)
    return functional.center_crop(images, [SIDE, SIDE])
