"""Choice of the device that an extractor runs on."""

import torch


def chosen_device(device: str) -> torch.device:
    """Return the named device; `auto` is the GPU if there is one, otherwise the CPU."""
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(device)
