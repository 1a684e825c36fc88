"""Fill the feature cache of a database, whole or a shard of it."""

import hydra
from omegaconf import DictConfig

from vqa import assembly
from vqa.extraction import shard_of, write_failures


@hydra.main(version_base="1.3", config_path="conf", config_name="extract")
def main(config: DictConfig) -> None:
    """Extract, then say what was made, found and lost; failures make the exit status 1."""
    with assembly.readable_errors():
        plain = assembly.resolved(config)
        assembly.set_up(plain)
        database = assembly.database(config.data)
        source = assembly.FeatureSource.of(plain, database, config.paths.cache, config.data.reader)
        outcome = source.fill(shard_of(database.videos, config.shard))
    failures = source.cache.folder / f"failures-{config.shard.replace('/', '-of-')}.csv"
    write_failures(outcome.failures, failures)
    print(
        f"{len(outcome.made)} made, {len(outcome.reused)} found, {len(outcome.failures)} failed "
        f"in {source.cache.folder}"
    )
    if outcome.failures:
        raise SystemExit(f"the failed videos and causes are listed in {failures}")


if __name__ == "__main__":
    main()
