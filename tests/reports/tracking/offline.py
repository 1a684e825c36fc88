"""Offline W&B runs of tests, without account, configuration or home of this machine."""

import os
from contextlib import contextmanager

import pytest


@contextmanager
def isolated(home):
    """Without account, configuration or home of this machine."""
    import wandb

    with pytest.MonkeyPatch.context() as patch:
        for key in [key for key in os.environ if key.startswith(("WANDB", "XDG_"))]:
            patch.delenv(key)
        patch.setenv("HOME", str(home))
        home.mkdir(exist_ok=True)
        yield
        assert "WANDB_MODE" not in os.environ
        assert "WANDB_DATA_DIR" not in os.environ
        wandb.teardown()
