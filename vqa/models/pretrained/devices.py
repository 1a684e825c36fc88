"""Where an extractor computes."""

import torch


def chosen_device(device: str) -> torch.device:
    """The device of a name; `auto` is the GPU where there is one."""
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(device)
