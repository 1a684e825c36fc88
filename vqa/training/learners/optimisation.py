"""Learning rates: by part of a network, and over the steps of training."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from torch import nn


def parts_of(network: nn.Module, names: Iterable[str]) -> dict[str, list[nn.Parameter]]:
    """The parameters of named parts: all whose dotted name holds the word.

    `backbone` means `spatial.backbone.norm.weight` as well as `backbone.norm.weight`. A parameter
    belongs to the first name that fits.

    Raises:
        ValueError: A name fits no parameter.
    """
    parts: dict[str, list[nn.Parameter]] = {name: [] for name in names}
    for path, parameter in network.named_parameters():
        words = path.split(".")
        for name, part in parts.items():
            if name in words:
                part.append(parameter)
                break
    if missing := [name for name, part in parts.items() if not part]:
        known = sorted({word for path, _ in network.named_parameters() for word in path.split(".")})
        words = ", ".join(word for word in known if not word.isdigit())
        raise ValueError(f"the network has no part {', '.join(missing)}; its parts are {words}")
    return parts


def parameter_groups(network: nn.Module, learning_rates: Mapping[str, float]) -> Any:
    """What an optimiser takes: a group for each named part with its rate, and one for the rest.

    Args:
        network: Whose parameters.
        learning_rates: Rate of each named part; none gives the plain parameters.

    Raises:
        ValueError: A name fits no parameter.
    """
    if not learning_rates:
        return list(network.parameters())
    parts = parts_of(network, learning_rates)
    named = {id(parameter) for part in parts.values() for parameter in part}
    rest = [parameter for parameter in network.parameters() if id(parameter) not in named]
    groups = [{"params": part, "lr": learning_rates[name]} for name, part in parts.items()]
    return [{"params": rest}, *groups] if rest else groups


def warmup_cosine(step: int, epoch_steps: int, steps: int, warmup_epochs: float = 2.5) -> float:
    """Linear rise from 0 over the first epochs, then half a cosine: FAST-VQA's schedule.

    Its first step has rate 0. The cosine runs over as many steps as the whole training has, so the
    rise keeps it from quite reaching 0, as released.

    Args:
        step: From 0.
        epoch_steps: Steps an epoch.
        steps: Steps in all.
        warmup_epochs: Length of the rise; not whole numbers only.

    Returns:
        A factor of the learning rates, in [0, 1].
    """
    warm = int(warmup_epochs * epoch_steps)
    if step < warm:
        return step / warm
    return (1 + math.cos(math.pi * (step - warm) / steps)) / 2
