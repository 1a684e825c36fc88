"""`python -m vqa` is the command `vqa`."""

import os
import sys

from vqa.cli import main

if __name__ == "__main__":
    if "VQA_STARTED_BY" in os.environ:  # a share of a command, which an engine started
        from vqa.commands.engines.share import end_with_parent

        end_with_parent()
    sys.exit(main(program="python -m vqa"))
