"""Weights of InceptionV3, and images cropped to its input size.

The weights come from ImageNet, a file, or a run of `train.py model=inception_iqa`.
"""

from torch import Tensor, nn
from torchvision.models import Inception_V3_Weights
from torchvision.transforms.v2 import functional

from vqa.models.inception_iqa import SIDE
from vqa.models.pretrained.weights import WeightsError, local_state, published_state

IMAGENET = Inception_V3_Weights.IMAGENET1K_V1
REMEDY = (
    "give a local file, or ask for untrained weights with `random` (features.gram.weights for Gram "
    "features, model.start.weights for fine-tuning)"
)


def load_inception(network: nn.Module, weights: str = "imagenet") -> None:
    """Load weights into an InceptionV3, in place.

    Args:
        network: One of torchvision's, or a network that has one as `inception`.
        weights: `imagenet` (torchvision's, downloaded by its own loader); a local file in
            torchvision's layout, or `split0/model.safetensors` of a run of `model=inception_iqa`;
            or `random` to leave the network unchanged. The last layer is loaded too if its size is
            the network's, which holds for a run and not for ImageNet.

    Raises:
        WeightsError: The weights are not available, or belong to another network.
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
            f"have another shape, {absent[0]} first; expected a file in torchvision's layout or "
            "split0/model.safetensors of a run of model=inception_iqa"
        )


def cropped(frames: Tensor, short_side: int | None = None) -> Tensor:
    """Return the centres of frames in the network's input size.

    Frames are resized bilinearly with antialiasing and rounded to whole numbers, on the CPU. The
    result is PIL's up to a step of 1 in 255, and does not depend on the network's device.

    Args:
        frames: uint8 (n, H, W, 3) on the CPU.
        short_side: Length of the shorter side after resizing, at least 299 pixels. None resizes
            only frames smaller than 299 pixels, to 299.

    Returns:
        uint8 (n, 3, 299, 299).
    """
    images = frames.permute(0, 3, 1, 2)
    short_side = short_side or max(SIDE, min(images.shape[2:]))
    images = functional.resize(images, [short_side], antialias=True)
    return functional.center_crop(images, [SIDE, SIDE])
