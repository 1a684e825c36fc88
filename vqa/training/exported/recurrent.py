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
from torch.fx import Node


@torch.library.custom_op("vqa::gru", mutates_args=())
def gru(
    x: Tensor, of_input: Tensor, of_state: Tensor, input_bias: Tensor, state_bias: Tensor, size: int
) -> Tensor:
    """Run one GRU layer over x (B, T, D) from a zero state. -> (B, T, H)."""
    weights = [of_input, of_state, input_bias, state_bias]
    start = x.new_zeros(1, x.shape[0], size)
    return torch.gru(x, start, weights, True, 1, 0.0, False, False, True)[0]


@torch.library.custom_op("vqa::lstm", mutates_args=())
def lstm(
    x: Tensor, of_input: Tensor, of_state: Tensor, input_bias: Tensor, state_bias: Tensor, size: int
) -> Tensor:
    """Run one LSTM layer over x (B, T, D) from a zero state. -> (B, T, H)."""
    weights = [of_input, of_state, input_bias, state_bias]
    start = x.new_zeros(1, x.shape[0], size)
    return torch.lstm(x, [start, start], weights, True, 1, 0.0, False, False, True)[0]


def _shape(x: Tensor, *rest: Any) -> Tensor:
    return x.new_empty(x.shape[0], x.shape[1], rest[-1])


gru.register_fake(_shape)
lstm.register_fake(_shape)


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
        self.operation = gru if isinstance(layer, nn.GRU) else lstm
        self.size = layer.hidden_size
        for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"):
            self.register_buffer(name, getattr(layer, name).detach())

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        """Hidden states of x (B, T, D). -> (B, T, H), None."""
        weights = self.weight_ih_l0, self.weight_hh_l0, self.bias_ih_l0, self.bias_hh_l0
        return self.operation(x, *weights, self.size), None


def in_torch(program: torch.export.ExportedProgram) -> None:
    """Replace our operations in a program by torch's own, which every torch has, in place."""
    graph = program.graph_module.graph
    for node in list(graph.nodes):
        if node.target is torch.ops.vqa.gru.default:
            _replace(program, node, torch.ops.aten.gru.input, states=1)
        elif node.target is torch.ops.vqa.lstm.default:
            _replace(program, node, torch.ops.aten.lstm.input, states=2)
    graph.lint()
    program.graph_module.recompile()


def _replace(
    program: torch.export.ExportedProgram, node: Node, target: Callable[..., Any], states: int
) -> None:
    graph = program.graph_module.graph
    x, *weights, size = node.args
    out = node.meta["val"]
    state = out.new_empty(1, 1, size)
    with graph.inserting_before(node):
        start = graph.call_function(torch.ops.aten.new_zeros.default, (x, [1, 1, size]))
        start.meta["val"] = state
        begin = [start] * states if states > 1 else start
        options = (True, 1, 0.0, False, False, True)
        both = graph.call_function(target, (x, begin, weights, *options))
        both.meta["val"] = (out, *[state] * states)
        hidden = graph.call_function(operator.getitem, (both, 0))
        hidden.meta["val"] = out
    node.replace_all_uses_with(hidden)
    graph.erase_node(node)


def onnx_table() -> dict[Any, Callable[..., Any]]:
    """Return what our operations are in ONNX, for `torch.onnx.export`."""
    from onnxscript import opset18 as op

    def layer(
        x: Any,
        of_input: Any,
        of_state: Any,
        input_bias: Any,
        state_bias: Any,
        size: int,
        order: str,
    ) -> tuple[Any, Any, Any, Any]:
        """Return the inputs (T, B, D), (1, G H, D), (1, G H, H), (1, 2 G H) of ONNX's layers."""
        gates = len(order)

        def ordered(weight: Any) -> Any:
            parts = op.Split(weight, num_outputs=gates, axis=0)
            return op.Concat(*(parts[int(place)] for place in order), axis=0)

        biases = op.Concat(ordered(input_bias), ordered(state_bias), axis=0)
        first = op.Constant(value_ints=[0])
        return (
            op.Transpose(x, perm=[1, 0, 2]),
            op.Unsqueeze(ordered(of_input), first),
            op.Unsqueeze(ordered(of_state), first),
            op.Unsqueeze(biases, first),
        )

    def back(hidden: Any) -> Any:
        direction = op.Constant(value_ints=[1])
        return op.Transpose(op.Squeeze(hidden, direction), perm=[1, 0, 2])

    def onnx_gru(
        x: Any, of_input: Any, of_state: Any, input_bias: Any, state_bias: Any, size: int
    ) -> Any:
        inputs = layer(x, of_input, of_state, input_bias, state_bias, size, "102")
        return back(op.GRU(*inputs, hidden_size=size, linear_before_reset=1)[0])

    def onnx_lstm(
        x: Any, of_input: Any, of_state: Any, input_bias: Any, state_bias: Any, size: int
    ) -> Any:
        inputs = layer(x, of_input, of_state, input_bias, state_bias, size, "0312")
        return back(op.LSTM(*inputs, hidden_size=size)[0])

    return {torch.ops.vqa.gru.default: onnx_gru, torch.ops.vqa.lstm.default: onnx_lstm}
