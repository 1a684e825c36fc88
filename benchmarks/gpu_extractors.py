"""Extractors on a GPU: frames of noise from main memory, in each precision.

Parts: `convnets` times the statistics of VGG-16 and ResNet-50 on 540p and 1080p frames, with the
CPU as a reference; `score_cam` compares masks in batches with one mask at a time; `openclip`
compares the extractor of CLIP's windows with bare `encode_image`. Weights are random, because speed
does not depend on them. `gpu_timing.py` explains the precisions.
Run: python benchmarks/gpu_extractors.py [--parts convnets] [--tiny --device cpu]
"""

from functools import partial

import numpy as np
import torch
from gpu_timing import Bench, Side, run_parts
from score_cam import moving_gradients, one_at_a_time

from vqa.features.convnet import ConvnetStatistics
from vqa.features.openclip import OpenClipWindows
from vqa.features.score_cam import score_cam as batched_score_cam
from vqa.models.pretrained.classifier import Classifier
from vqa.models.pretrained.imagenet import load_classifier
from vqa.models.pretrained.normalisation import normalise

CHUNK_FRAMES = 16  # frames that an extraction passes to an extractor together
PRECISIONS = {"default": "float32", "strict": "float32", "bf16": "bfloat16"}


def noise(count: int, height: int, width: int) -> np.ndarray:
    """Return frames uint8 (count, height, width, 3)."""
    return np.random.default_rng(0).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def convnets(bench: Bench) -> None:
    """Time the extractors of VGG-16 and ResNet-50; compare their features with the CPU's."""
    cases = [("vgg16", 540, 960), ("resnet50", 540, 960), ("resnet50", 1080, 1920)]
    for architecture, height, width in bench.size(cases, [("vgg16", 64, 96), ("resnet50", 64, 96)]):
        make = partial(ConvnetStatistics, architecture, "random")
        on_device = {p: make(device=bench.device, precision=p) for p in PRECISIONS.values()}
        frames = noise(bench.size(CHUNK_FRAMES, 2), height, width)
        few = frames[:2]
        what = f"{architecture} {height}p"
        sides = [
            Side(f"{what}, {name}", partial(on_device[p], frames), len(frames), name)
            for name, p in PRECISIONS.items()
        ]
        cpu = partial(make(device="cpu"), few)
        bench.compare("frames", [*sides, bench.on_cpu(cpu, len(few))[-1]])
        reference = cpu()
        for name, precision in PRECISIONS.items():
            with bench.settings(name):
                features = on_device[precision](few)
            bench.distance(f"{what}, {name}, from the CPU's", features, reference)


def score_cam(bench: Bench) -> None:
    """Time Score-CAM of VGG-16 with all masks in batches, and with one mask at a time."""
    classifier = Classifier("vgg16", "random", bench.device)
    model = load_classifier("vgg16", "random").to(bench.device)
    images = normalise(moving_gradients(1), bench.device)
    maps, logits = classifier(images)
    maps, few = maps[:, : bench.size(512, 4)], bench.size(64, 2)
    sides = [
        Side(
            "one mask at a time, default",
            partial(one_at_a_time, model, images[0], maps[0, :few], logits[0]),
            few,
        )
    ]
    for name, precision in PRECISIONS.items():
        classify = classifier.logits_in(precision)
        for batch in bench.size((32, 128, 512), (4,)):
            run = partial(batched_score_cam, images, maps, logits, classify, batch=batch)
            sides.append(Side(f"batches of {batch}, {name}", run, maps.shape[1], name))
    with torch.inference_mode():
        bench.compare("masks", sides)


def openclip(bench: Bench) -> None:
    """Time CLIP's windows by the extractor, and by `encode_image` on batches on the device."""
    frames = noise(bench.size(CHUNK_FRAMES, 1), 540, 960)
    make = partial(OpenClipWindows, "ViT-B-32-quickgelu", "random", device=bench.device)
    for name, precision in (("default", "float32"), ("tf32", "float32"), ("bf16", "bfloat16")):
        extractor = make(precision=precision, batch_windows=bench.size(None, 2))
        side, windows = extractor.side, extractor.batch_windows
        ready = torch.randn(windows, 3, side, side, device=bench.device, dtype=extractor.dtype)
        bare = torch.inference_mode()(partial(extractor._model.encode_image, ready))
        sides = [
            Side(f"{name}, bare encode_image, batch {windows}", bare, windows, name),
            Side(
                f"{name}, extractor",
                partial(extractor, frames),
                extractor.windows * len(frames),
                name,
            ),
        ]
        bench.compare("windows", sides)


PARTS = {part.__name__: part for part in (convnets, score_cam, openclip)}

if __name__ == "__main__":
    run_parts(PARTS, __doc__)
