"""InceptionV3 as an image quality model, fine-tuned on TID2013 before its Gram features are used.

Asadi, Pourmatin and Mansouri, "The role of fine-tuned feature map correlation in video quality
assessment". The recipe follows FMC-IQA, from the same group.

Faithful: torchvision's InceptionV3 with one output after its dropout and without the auxiliary
head. Only the layers before `Mixed_5c` and the output are trained. The other layers keep their
weights, but their batch statistics change, because the whole network is in training mode.

Different: the recipe trains on the raw MOS, ours on MOS / largest training MOS, like all networks
here. This scales the squared error by a constant, to which Adam is invariant. The weights of the
output are smaller by the root of that constant, so a step of Adam changes them more.

Shapes: B images, 3 colours, H height, W width; the network was designed for 299 x 299.
"""

import torchvision
from torch import Tensor, nn
from torchvision.models import Inception3

from vqa.models.pretrained.normalisation import inception_input

SIDE = 299
LAYERS = (
    *("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "maxpool1"),
    *("Conv2d_3b_1x1", "Conv2d_4a_3x3", "maxpool2"),
    *("Mixed_5b", "Mixed_5c", "Mixed_5d"),
    *("Mixed_6a", "Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"),
    *("Mixed_7a", "Mixed_7b", "Mixed_7c", "avgpool"),
)
TRAINED = (*LAYERS[: LAYERS.index("Mixed_5c")], "fc")


def inception(dropout: float = 0.5) -> Inception3:
    """Build torchvision's InceptionV3 with random weights, one output and no auxiliary head.

    Its input comes from `inception_input`; torchvision's own rescaling (`transform_input`) is off.
    """
    return torchvision.models.inception_v3(
        weights=None, aux_logits=False, init_weights=False, num_classes=1, dropout=dropout
    )


class InceptionIQA(nn.Module):
    """Score images.

    Args:
        dropout: Dropout before the output.
    """

    def __init__(self, dropout: float = 0.5) -> None:
        super().__init__()
        self.inception = inception(dropout)
        for name, layer in self.inception.named_children():
            layer.requires_grad_(name in TRAINED)

    def forward(self, image: Tensor) -> Tensor:
        """Score images (B, 3, H, W), RGB 0 to 255, uint8 or float. -> (B,).

        Raises:
            ValueError: The images have another layout.
        """
        if image.ndim != 4 or image.shape[1] != 3:
            raise ValueError(
                f"InceptionIQA expected images (B, 3, H, W), found {tuple(image.shape)}; stack "
                "them, with the colours before height and width"
            )
        return self.inception(inception_input(image).to(self.inception.fc.weight)).squeeze(1)

    timeline_is = "one value, the score"

    def timeline(self, image: Tensor) -> Tensor:
        """Return the score of each image as its only moment. image (B, 3, H, W) -> (B, 1)."""
        return self(image).unsqueeze(1)

    def score_and_timeline(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return what `forward` and `timeline` return, after one pass of the network."""
        score = self(image)
        return score, score.unsqueeze(1)
