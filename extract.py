"""Fill the feature cache of a database, whole or a shard of it; or draw what an extractor sees."""

from pathlib import Path

import hydra
from omegaconf import DictConfig

from vqa.commands import assembly
from vqa.commands.scoring import as_records
from vqa.features.extraction.fill import shard_of, write_failures
from vqa.reports.drawing import draw_video


@hydra.main(version_base="1.3", config_path="conf", config_name="extract")
def main(config: DictConfig) -> None:
    """Extract or, with `draw=`, draw."""
    with assembly.readable_errors():
        plain = assembly.resolved(config)
        assembly.set_up(plain)
        if config.draw is None:
            fill(config, plain)
        else:
            draw(config, plain)


def fill(config: DictConfig, plain: dict) -> None:
    """Extract, then say what was made, found and lost; failures make the exit status 1."""
    database = assembly.database(config.data)
    sources = assembly.sources_of(plain, database, config.paths.cache, config.data.reader)
    for source in sources.sources:
        outcome = source.fill(shard_of(database.videos, config.shard))
        failures = source.cache.folder / f"failures-{config.shard.replace('/', '-of-')}.csv"
        write_failures(outcome.failures, failures)
        print(
            f"{len(outcome.made)} made, {len(outcome.reused)} found, {len(outcome.failures)} "
            f"failed in {source.cache.folder}"
        )
        if outcome.failures:
            raise SystemExit(f"the failed videos and causes are listed in {failures}")


def draw(config: DictConfig, plain: dict) -> None:
    """Draw the maps of one frame of a video, then say what is shown."""
    (video,) = as_records([Path(config.draw).expanduser()], config.raw_size)
    drawing = draw_video(
        assembly.extractor_of(plain), video, config.output,
        frame=config.frame, wanted=config.descriptions, reader=config.data.reader,
    )  # fmt: skip
    if drawing.note:
        print(f"NOTE: {drawing.note}")
    print(f"{drawing.title}: {drawing.caption}")
    print(f"written: {drawing.path}")


if __name__ == "__main__":
    main()
