"""Recurrent layers whose number of steps stays open in an exported model.

`torch.export` takes GRU and LSTM apart into one node per step, which fixes the number of steps. So
each layer is traced as one operation of our own. Afterwards it becomes the operator of the target:
ONNX's `GRU` or `LSTM`, or torch's own, whose loops are compiled.

Shapes: B videos, T steps, D inputs, H hidden units; torch's weights are (G H, D) and (G H, H), with
G gates: reset, update, new of a GRU, and input, forget, cell, output of an LSTM.
"""

import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import Graph, Node

# Biases, one layer, no dropout, no training, one direction, batch first.
OPTIONS = (True, 1, 0.0, False, False, True)


@torch.library.custom_op("vqa::recurrent", mutates_args=())
def recurrent(
    x: Tensor,
    of_input: Tensor,
    of_state: Tensor,
    input_bias: Tensor,
    state_bias: Tensor,
    size: int,
    is_lstm: bool,
) -> Tensor:
    """Run one GRU or LSTM layer over x (B, T, D) from a zero state. -> (B, T, H)."""
    weights = [of_input, of_state, input_bias, state_bias]
    start = x.new_zeros(1, x.shape[0], size)
    if is_lstm:
        return torch.lstm(x, [start, start], weights, *OPTIONS)[0]
    return torch.gru(x, start, weights, *OPTIONS)[0]


@recurrent.register_fake
def _shape(x: Tensor, *rest: Any) -> Tensor:
    size = rest[4]
    return x.new_empty(x.shape[0], x.shape[1], size)


class Recurrent(nn.Module):
    """A recurrent layer as one operation; returns the hidden states and None, as torch's two.

    Args:
        layer: One layer in one direction, batch first, with biases.

    Raises:
        ValueError: The layer has another form.
    """

    def __init__(self, layer: nn.GRU | nn.LSTM) -> None:
        super().__init__()
        if layer.num_layers > 1 or layer.bidirectional or not (layer.batch_first and layer.bias):
            raise ValueError(
                f"{layer}: expected one recurrent layer in one direction, batch first, with biases"
            )
        self.size, self.is_lstm = layer.hidden_size, isinstance(layer, nn.LSTM)
        for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"):
            self.register_buffer(name, getattr(layer, name).detach())

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        """Hidden states of x (B, T, D). -> (B, T, H), None."""
        weights = self.weight_ih_l0, self.weight_hh_l0, self.bias_ih_l0, self.bias_hh_l0
        return recurrent(x, *weights, self.size, self.is_lstm), None


def in_torch(program: torch.export.ExportedProgram) -> None:
    """Replace our operation in a program by torch's own, which every torch has, in place."""
    graph = program.graph_module.graph
    for node in list(graph.nodes):
        if node.target is torch.ops.vqa.recurrent.default:
            _replace(graph, node)
    graph.lint()
    program.graph_module.recompile()


def _replace(graph: Graph, node: Node) -> None:
    x, *weights, size, is_lstm = node.args
    out = node.meta["val"]
    state = out.new_empty(1, 1, size)
    target = torch.ops.aten.lstm.input if is_lstm else torch.ops.aten.gru.input
    with graph.inserting_before(node):
        start = graph.call_function(torch.ops.aten.new_zeros.default, (x, [1, 1, size]))
        start.meta["val"] = state
        begin = [start, start] if is_lstm else start
        both = graph.call_function(target, (x, begin, weights, *OPTIONS))
        both.meta["val"] = (out, state, state) if is_lstm else (out, state)
        hidden = graph.call_function(operator.getitem, (both, 0))
        hidden.meta["val"] = out
    node.replace_all_uses_with(hidden)
    graph.erase_node(node)


def onnx_table() -> dict[Any, Callable[..., Any]]:
    """Return what our operation is in ONNX, for `torch.onnx.export`."""
    from onnxscript import opset18 as op

    def ordered(weight: Any, order: str) -> Any:
        """Put the gates in ONNX's order."""
        parts = op.Split(weight, num_outputs=len(order), axis=0)
        return op.Concat(*(parts[int(place)] for place in order), axis=0)

    def layer(
        x: Any,
        of_input: Any,
        of_state: Any,
        input_bias: Any,
        state_bias: Any,
        size: int,
        is_lstm: bool,
    ) -> Any:
        order = "0312" if is_lstm else "102"
        biases = op.Concat(ordered(input_bias, order), ordered(state_bias, order), axis=0)
        first, direction = op.Constant(value_ints=[0]), op.Constant(value_ints=[1])
        inputs = (
            op.Transpose(x, perm=[1, 0, 2]),
            op.Unsqueeze(ordered(of_input, order), first),
            op.Unsqueeze(ordered(of_state, order), first),
            op.Unsqueeze(biases, first),
        )
        if is_lstm:
            hidden = op.LSTM(*inputs, hidden_size=size)[0]
        else:
            hidden = op.GRU(*inputs, hidden_size=size, linear_before_reset=1)[0]
        return op.Transpose(op.Squeeze(hidden, direction), perm=[1, 0, 2])

    return {torch.ops.vqa.recurrent.default: layer}
