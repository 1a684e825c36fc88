"""InceptionV3 that scores images, to be fine-tuned on TID2013 before its Gram features are taken.

Asadi, Pourmatin and Mansouri, "The role of fine-tuned feature map correlation in video quality
assessment"; the recipe follows FMC-IQA, from the same group.

Faithful: torchvision's InceptionV3 with one output behind its dropout and without the auxiliary
head; only the layers before `Mixed_5c` and the output learn. The rest keeps its weights, while its
batch statistics move, since the network trains as a whole.
Different: the recipe's network learns the MOS as it is, ours MOS / largest training MOS, as all
networks here do. The squared error is the same up to a factor, which Adam does not see; the
output's weights are smaller by the root of that factor, so that a step of Adam moves them further.

Shapes: B images, 3 colours, H W size; 299 x 299 is what the network was made for.
"""

import torchvision
from torch import Tensor, nn
from torchvision.models import Inception3

SIDE = 299
LAYERS = (
    *("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "maxpool1"),
    *("Conv2d_3b_1x1", "Conv2d_4a_3x3", "maxpool2"),
    *("Mixed_5b", "Mixed_5c", "Mixed_5d"),
    *("Mixed_6a", "Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"),
    *("Mixed_7a", "Mixed_7b", "Mixed_7c", "avgpool"),
)
LEARNING = (*LAYERS[: LAYERS.index("Mixed_5c")], "fc")


def inception(dropout: float = 0.5) -> Inception3:
    """Torchvision's InceptionV3 with random weights, one output and no auxiliary head.

    It takes what `inception_input` gives: torchvision's own rescaling, `transform_input`, is off.
    """
    return torchvision.models.inception_v3(
        weights=None, aux_logits=False, init_weights=False, num_classes=1, dropout=dropout
    )


def inception_input(images: Tensor) -> Tensor:
    """RGB values 0 to 255 of any type as the network takes them: float32, -1 to 1.

    That is ImageNet's normalisation followed by torchvision's `transform_input=True`, which takes
    it back and scales as the published weights expect it.
    """
    return images.float() / 127.5 - 1


class InceptionIQA(nn.Module):
    """Score images.

    Args:
        dropout: Before the output.
    """

    def __init__(self, dropout: float = 0.5) -> None:
        super().__init__()
        self.inception = inception(dropout)
        for name, layer in self.inception.named_children():
            layer.requires_grad_(name in LEARNING)

    def forward(self, image: Tensor) -> Tensor:
        """Score of every image. image (B, 3, H, W), RGB 0 to 255, uint8 or float -> (B,).

        Raises:
            ValueError: The images have another layout.
        """
        if image.ndim != 4 or image.shape[1] != 3:
            raise ValueError(
                f"InceptionIQA expects images (B, 3, H, W), found {tuple(image.shape)}: stack "
                "them, colours before height and width"
            )
        return self.inception(inception_input(image)).squeeze(1)

    def timeline(self, image: Tensor) -> Tensor:
        """The one moment of every image. image (B, 3, H, W) -> (B, 1)."""
        return self(image).unsqueeze(1)
