"""Fit one model on one database under one protocol; the same command again goes on or shows it."""

import hydra
from omegaconf import DictConfig
from pytorch_lightning.utilities.rank_zero import rank_zero_only

from vqa.commands import assembly, workflow
from vqa.evaluation.results import format_table


@hydra.main(version_base="1.3", config_path="conf", config_name="train")
def main(config: DictConfig) -> None:
    """Train what is not trained yet, then print the results and where the report lies."""
    with assembly.readable_errors():
        assembly.set_up(config)
        run = workflow.train(config)
    if rank_zero_only.rank != 0:
        return
    for note in run.notes():
        print(f"NOTE: {note}")
    if run.finished and (results := run.results()):
        print(f"\n{format_table(results)}\n")
        print(f"report: {run.report}")


if __name__ == "__main__":
    main()
