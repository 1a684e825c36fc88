"""The files of exported models: ONNX, and programs of `torch.export`.

Frames, moments and clips are dynamic axes: `torch.export` proves that no length is fixed.
"""

import contextlib
import io
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vqa.commands.configuration import UsageError
from vqa.runs import RunError
from vqa.training.exported.recurrent import in_torch, onnx_table

ONNX, TORCH = "onnx", "torch"
SUFFIXES = {ONNX: ".onnx", TORCH: ".pt2"}
OPSET = 18
Runner = Callable[[np.ndarray], list[np.ndarray]]


class ExportError(RunError):
    """A module that an exporter cannot take."""


def check_extra() -> None:
    """Check that what ONNX needs is installed.

    Raises:
        UsageError: It is not.
    """
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise UsageError(
            f"--format onnx: expected the packages onnx, onnxscript and onnxruntime ({error}); "
            "pip install 'vqa[export]'"
        ) from error


def write(
    module: nn.Module,
    path: Path,
    kind: str,
    example: Tensor,
    axes: Mapping[int, tuple[str, int]],
    names: tuple[str, Sequence[str]],
) -> None:
    """Export a module of one input.

    Args:
        module: In evaluation mode, on the CPU.
        path: The file, with the suffix of its kind.
        kind: `onnx` or `torch`.
        example: An input.
        axes: Dynamic axes of the input, with their names and smallest lengths.
        names: Of the input, and of the outputs.

    Raises:
        ExportError: The exporter cannot take the module with its axes open.
    """
    source, outputs = names
    sizes = {axis: torch.export.Dim(name, min=least) for axis, (name, least) in axes.items()}
    with torch.no_grad(), _quiet():
        try:
            program = torch.export.export(module, (example,), dynamic_shapes=(sizes,), strict=False)
            if kind == TORCH:
                in_torch(program)
                made = None
            else:
                made = _in_onnx(program, source, outputs, sizes, example.ndim)
        except Exception as error:  # exporters raise of all kinds
            raise ExportError(
                f"{path.stem}: the exporter to {kind} fails "
                f"({type(error).__name__}: {' '.join(str(error).split())[:150]})"
            ) from error
        if made is None:
            content = io.BytesIO()  # torch's own writer aborts the process if the disk is full
            torch.export.save(program, content)
            path.write_bytes(content.getbuffer())
        else:
            made.save(path, external_data=False)


def _in_onnx(
    program: torch.export.ExportedProgram,
    source: str,
    outputs: Sequence[str],
    sizes: Mapping[int, Any],
    rank: int,
) -> torch.onnx.ONNXProgram:
    import onnx_ir as ir

    made = torch.onnx.export(
        program,
        dynamo=True,
        opset_version=OPSET,
        custom_translation_table=onnx_table(),
        verbose=False,
    )
    assert made is not None
    graph = made.model.graph
    graph.inputs[0].name = source
    traced = graph.inputs[0].shape
    assert traced is not None
    names = [sizes[axis].__name__ if axis in sizes else traced[axis] for axis in range(rank)]
    graph.inputs[0].shape = ir.Shape(names)
    for value, name in zip(graph.outputs, outputs, strict=True):
        value.name = name
    return made


def opened(path: Path, kind: str) -> Runner:
    """Open an exported file; returns a function from its input to its outputs."""
    if kind == TORCH:
        with _quiet():
            module = torch.export.load(path).module()

        def run(x: np.ndarray) -> list[np.ndarray]:
            with torch.inference_mode():
                found = module(torch.from_numpy(x))
            return [one.numpy() for one in (found if isinstance(found, tuple) else (found,))]

        return run
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    (source,) = session.get_inputs()
    return lambda x: session.run(None, {source.name: x})


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporters' notes on their own work from the user."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def versions(kind: str) -> dict[str, Any]:
    """Return the versions of what wrote a file of a kind."""
    found: dict[str, Any] = {"torch": torch.__version__}
    if kind == ONNX:
        import onnx
        import onnxruntime

        found |= {"onnx": onnx.__version__, "onnxruntime": onnxruntime.__version__, "opset": OPSET}
    return found
