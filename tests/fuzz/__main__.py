"""Damage files of many kinds and print what becomes of them: `python -m tests.fuzz [ROUNDS]`."""

import sys
import tempfile
from pathlib import Path

from tests.fuzz.trial import table, trials

rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 2
with tempfile.TemporaryDirectory() as folder:
    results = list(trials(Path(folder), rounds))
print(table(results))
for trial in results:
    if trial.outcome in ("silent", "wrong", "crash", "hang"):
        print(f"{trial.outcome}: {trial.clip}, {trial.mutation} {trial.seed}: {trial.detail}")
