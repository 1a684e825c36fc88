"""Score-CAM: the parts of an image that a classifier's decision rests on (Wang et al., 2020).

This follows the code of the saliency study (Wang, Katsenou and Bull, 2023). Each map of the
classifier's last block, enlarged to the image and scaled to [0, 1], masks the image. The map's
weight is the probability that the masked image belongs to the class of the whole image. The mask
multiplies the image after ImageNet's normalisation, no baseline is subtracted from the probability,
and the weighted sum uses the original maps, not the scaled ones.

A constant map has no weight. If the sum itself is constant, the study has no saliency map; here it
is 0 everywhere, because nothing stands out, and features stay finite.

Shapes: n images, K maps each, h w size of a map, H W size of an image.
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
    """Compute saliency maps of images; the masks of all images share batches.

    Args:
        images: (n, 3, H, W), normalised for the classifier.
        maps: (n, K, h, w), the output of the classifier's last block for them.
        logits: (n, classes), its logits for them.
        classify: Normalised images (m, 3, H, W) -> logits (m, classes).
        batch: Masked images that are classified together; the result depends on it only by
            rounding.

    Returns:
        (n, H, W), from 0 to 1, or 0 everywhere.
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
    """Enlarge maps (m, h, w) bilinearly to (m, H, W)."""
    return nn.functional.interpolate(maps[:, None], size, mode="bilinear")[:, 0]


def scaled(maps: Tensor) -> Tensor:
    """Scale each map (m, H, W) to [0, 1]; a constant map becomes 0."""
    low, high = maps.amin((1, 2), keepdim=True), maps.amax((1, 2), keepdim=True)
    # A constant map is 0 / tiny; any other spans more than that.
    return (maps - low) / (high - low).clamp_min(torch.finfo(maps.dtype).tiny)
