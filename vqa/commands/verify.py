"""Recompute the numbers of a run from what it stored, and compare every hash."""

from collections.abc import Mapping, Sequence
from typing import Any

from vqa.commands.experiment import Experiment
from vqa.runs.audit import audit, digest
from vqa.runs.opening import load_run


def main(
    folder: str,
    *,
    rescore: int = 0,
    paths: Mapping[str, Any],
    trust: Sequence[str] = (),
) -> int:
    """Verify a run and print each check; returns 1 if one fails, else 0.

    Args:
        folder: A finished run folder.
        rescore: Videos of each split to score again, one at a time.
        paths: Where the cache lies (`cache`), for `rescore`.
        trust: Packages besides vqa that the run's configuration may use.
    """
    run = load_run(folder)
    findings = audit(run)
    if rescore:
        from vqa.commands.test import rescore as score_again

        experiment = Experiment.of_run(run, paths=paths, trust=trust)
        findings.append(score_again(run, rescore, experiment))
    for finding in findings:
        print(f"{'FAULT' if finding.fault else 'ok':5s}  {finding.check}")
        if finding.fault:
            print(f"       {finding.fault}")
    if any(finding.fault for finding in findings):
        print(f"{folder} does not hold")
        return 1
    print(f"{folder} holds; sha256 of its manifest {digest(run)}")
    return 0
