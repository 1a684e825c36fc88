"""Train on several databases and test on several: the cross-database matrix in one command."""

import sys
from pathlib import Path

import hydra
from hydra import compose
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from vqa.commands import assembly
from vqa.commands.cross import cross_database, format_matrix
from vqa.runs.opening import identity

SHOWN = ("metric", "output")
OWN = ("train", "test", "whole", *SHOWN)


@hydra.main(version_base="1.3", config_path="conf", config_name="cross")
def main(config: DictConfig) -> None:
    """Fill the matrix, then print it and where its page lies."""
    matrix(config, HydraConfig.get().overrides.task)


def matrix(config: DictConfig, overrides: list[str]) -> None:
    """Train and test with these overrides of train.yaml on every database."""

    def training(database: str, protocol: str | None = None) -> DictConfig:
        kept = [item for item in overrides if item.lstrip("+~").split("=")[0] not in OWN]
        if protocol:
            kept = [item for item in kept if not item.startswith("protocol")]
            kept.append(f"protocol={protocol}")
        return compose("train", [*kept, f"data={database}"])

    with assembly.readable_errors():
        assembly.set_up(config)
        what = {key: value for key, value in assembly.resolved(config).items() if key not in SHOWN}
        name = f"cross-{config.model_name}-{identity(what)}"
        folder = Path(config.output or Path(config.paths.runs) / name)
        tracker = assembly.tracker(config)
        found = cross_database(
            config.train, config.test, training, folder,
            whole=config.whole, metric=config.metric,
            title=f"{config.model_name} with {', '.join(config.features)} across databases",
            command=" ".join(["cross.py", *sys.argv[1:]]),
        )  # fmt: skip
        tracker.finish_matrix(folder)
    for note in found["notes"]:
        print(f"NOTE: {note}")
    print(f"\n{format_matrix(found)}\n")
    print(f"report: {folder / 'matrix.html'}")


if __name__ == "__main__":
    main()
