"""Score-CAM: which parts of an image a classifier's decision rests on (Wang et al., 2020).

As in the code of the saliency study (Wang, Katsenou and Bull, 2023): each map of the classifier's
last block, enlarged to the image and scaled to [0, 1], masks the image; the probability that the
masked image is of the class of the whole one is the map's weight. So the mask multiplies the image
after ImageNet's normalisation, no baseline is subtracted from the probability, and the weighted sum
is of the maps as they are, not scaled.

A map with the same value everywhere has no weight. Where the sum itself is constant the study has
no saliency map; here it is 0 everywhere, since nothing stands out, so that features are finite.

Legend: n images, K maps each, h w their size, H W the images' size.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn


def score_cam(
    images: Tensor,
    maps: Tensor,
    logits: Tensor,
    classify: Callable[[Tensor], Tensor],
    *,
    batch: int = 32,
) -> Tensor:
    """Saliency maps of images, with the masks of all images in common batches.

    Args:
        images: (n, 3, H, W), normalised as for the classifier.
        maps: (n, K, h, w), what the classifier's last block answers to them.
        logits: (n, classes), its logits for them.
        classify: Normalised images (m, 3, H, W) -> logits (m, classes).
        batch: Masked images that are classified together; the result does not depend on it, but
            for rounding.

    Returns:
        (n, H, W), from 0 to 1, or 0 throughout.
    """
    classes = logits.argmax(1)
    weights = torch.zeros_like(maps[..., 0, 0])
    uneven = (maps.amax((2, 3)) > maps.amin((2, 3))).nonzero()
    for start in range(0, len(uneven), batch):
        image, channel = uneven[start : start + batch].unbind(1)
        masks = scaled(enlarged(maps[image, channel], images.shape[2:]))
        probabilities = classify(images[image] * masks[:, None]).softmax(1)
        weights[image, channel] = probabilities.gather(1, classes[image, None])[:, 0]
    # Enlarging is linear: one sum of small maps is enlarged instead of all K of them.
    total = torch.einsum("nk,nkhw->nhw", weights, maps)
    return scaled(enlarged(total, images.shape[2:]).relu())


def enlarged(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Maps (m, h, w) at the size (H, W), bilinear, (m, H, W)."""
    return nn.functional.interpolate(maps[:, None], size, mode="bilinear")[:, 0]


def scaled(maps: Tensor) -> Tensor:
    """Each map (m, H, W) from 0 at its lowest value to 1 at its highest; 0 where it is constant."""
    low, high = maps.amin((1, 2), keepdim=True), maps.amax((1, 2), keepdim=True)
    # A constant map is 0 / tiny; any other spans more than that.
    return (maps - low) / (high - low).clamp_min(torch.finfo(maps.dtype).tiny)
