"""Learning rates per part of a network, and over the steps of a training."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from torch import nn


def parts_of(network: nn.Module, names: Iterable[str]) -> dict[str, list[nn.Parameter]]:
    """Find the parameters of named parts: all parameters with that word in their dotted name.

    `backbone` matches `spatial.backbone.norm.weight` as well as `backbone.norm.weight`. A parameter
    belongs to the first name that matches.

    Raises:
        ValueError: A name matches no parameter.
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
    """Group parameters for an optimiser: one group per named part with its rate, one for the rest.

    Args:
        network: Owner of the parameters.
        learning_rates: Rate of each named part; if empty, the plain parameters are returned.

    Raises:
        ValueError: A name matches no parameter.
    """
    if not learning_rates:
        return list(network.parameters())
    parts = parts_of(network, learning_rates)
    named = {id(parameter) for part in parts.values() for parameter in part}
    rest = [parameter for parameter in network.parameters() if id(parameter) not in named]
    groups = [{"params": part, "lr": learning_rates[name]} for name, part in parts.items()]
    return [{"params": rest}, *groups] if rest else groups


def warmup_cosine(step: int, epoch_steps: int, steps: int, warmup_epochs: float = 2.5) -> float:
    """Rise linearly from 0 over the first epochs, then follow half a cosine (FAST-VQA's schedule).

    The first step has rate 0. As in the release, the cosine spans as many steps as the whole
    training, so because of the warm-up it does not quite reach 0.

    Args:
        step: Index of the step, from 0.
        epoch_steps: Steps per epoch.
        steps: Steps in total.
        warmup_epochs: Length of the rise; may be fractional.

    Returns:
        Factor of the learning rates, in [0, 1].

    Examples:
        >>> from vqa.training.learners.optimisation import warmup_cosine
        >>> factors = [warmup_cosine(step, epoch_steps=4, steps=40) for step in (0, 5, 10, 30)]
        >>> [round(factor, 2) for factor in factors]
        [0.0, 0.5, 1.0, 0.5]
    """
    warm = int(warmup_epochs * epoch_steps)
    if step < warm:
        return step / warm
    return (1 + math.cos(math.pi * (step - warm) / steps)) / 2


def step_decay(
    step: int, epoch_steps: int, steps: int, every_epochs: int = 2, factor: float = 0.8
) -> float:
    """Multiply the rates by a factor every few epochs (MDTVSFA's schedule).

    Args:
        step: Index of the step, from 0.
        epoch_steps: Steps per epoch.
        steps: Steps in total; not used.
        every_epochs: Epochs between two multiplications.
        factor: The factor.

    Returns:
        Factor of the learning rates at this step.

    Examples:
        >>> from vqa.training.learners.optimisation import step_decay
        >>> [round(step_decay(step, epoch_steps=4, steps=40), 2) for step in (0, 7, 8, 16)]
        [1.0, 1.0, 0.8, 0.64]
    """
    return factor ** (step // (every_epochs * epoch_steps))
