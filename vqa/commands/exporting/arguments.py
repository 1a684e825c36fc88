"""The flags of `vqa export`; imports nothing heavy, because every command builds them."""

import argparse
from importlib import import_module

from vqa.commands import model_flags

EPILOG = """\
examples:
  vqa export ugc                                         the embedded model as ONNX
  vqa export runs/<run> --format torch -o exported/      a run as a program of torch.export
  vqa export vsfa --weights VSFA.pt                      weights that its authors published

The folder has the model, the network that computes its features if there is one, and model.json:
inputs, frames, scale, intervals and checksums. What was written is run and compared with the
trained model; if they differ by more than 1e-4, nothing is kept."""


def add(export: argparse.ArgumentParser) -> None:
    """Add the flags, and the job that they describe."""
    export.add_argument(
        "model", help="run or model folder, embedded model, or with --weights a published model"
    )
    export.add_argument(
        "--format", choices=("onnx", "torch"), default="onnx",
        help="onnx needs vqa[export]; torch is a program of torch.export (default: onnx)",
    )  # fmt: skip
    export.add_argument(
        "--output", "-o", metavar="FOLDER", help="(default: <model>-<format>; must not exist)"
    )
    export.add_argument(
        "--head", action="store_true",
        help="leave out the network that computes the features, and do without its weights",
    )  # fmt: skip
    model_flags.add_weights(export)
    model_flags.add_interval(export)
    model_flags.add_trust(export)
    export.set_defaults(job=run)


def run(given: argparse.Namespace) -> int:
    """Export what the flags name."""
    status: int = import_module("vqa.commands.exporting.command").main(
        given.model,
        output=given.output,
        kind=given.format,
        head=given.head,
        weights=given.weights,
        backbone_weights=given.backbone_weights,
        level=given.interval,
        trust=given.trust,
    )
    return status
