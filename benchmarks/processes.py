"""Train each model in 1, 2 and 3 processes, with odd counts, and print the largest differences.

13 training videos in global batches of 6 (6, 6 and 1), three epochs, dropout and stochastic depth
on; the scores of all 25 videos are compared. `python -m benchmarks.processes`
"""

import sys
import tempfile
import warnings

import numpy as np

from tests.training.together import MODELS, train

PRECISIONS = {"single": "32-true", "double": "64-true"}


def main() -> None:
    """Print one row per model."""
    warnings.filterwarnings("ignore")
    columns = [f"{kind}, {processes} processes" for kind in PRECISIONS for processes in (2, 3)]
    print(f"| Model | {' | '.join(columns)} |")
    print("|---" * (len(columns) + 1) + "|")
    for model in sys.argv[1:] or MODELS:
        cells = []
        for precision in PRECISIONS.values():
            with tempfile.TemporaryDirectory() as folder:
                setting = f"trainer.precision={precision}"
                one, _ = train(model, f"{folder}/1", 1, setting)
                for processes in (2, 3):
                    scores, _ = train(model, f"{folder}/{processes}", processes, setting)
                    cells.append(f"{np.abs(scores - one).max():.0e}")
        print(f"| {model} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
