"""A small classifier that torchvision finds under the name `toy_classifier`.

Its last block is `features.3`: twelve maps of 14 x 14, the last of which is 0 everywhere.
"""

import torch
from torch import nn
from torchvision.models._api import register_model


class ToyClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 6, 8, 8),
            nn.ReLU(inplace=True),
            nn.Conv2d(6, 12, 3, 2, 1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
        )
        self.avgpool = nn.AdaptiveAvgPool2d(3)
        self.classifier = nn.Linear(108, 10)
        with torch.no_grad():
            self.features[2].weight[-1] = 0
            self.features[2].bias[-1] = -1
            self.classifier.weight *= 20

    def forward(self, x):
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


def toy_classifier(weights=None):
    assert weights is None
    return ToyClassifier()


# torchvision lists classifiers by the module of their builder.
toy_classifier.__module__ = "torchvision.models.toy"
register_model()(toy_classifier)
