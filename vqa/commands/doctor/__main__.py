"""Check a downloaded database against its label table: `python -m vqa.commands.doctor data=...`."""

from pathlib import Path

import hydra

from vqa.commands import assembly
from vqa.commands.doctor import diagnose
from vqa.commands.doctor.checkup import Checkup, as_text, read_hashes, write
from vqa.commands.doctor.disk import unlabelled
from vqa.commands.doctor.survey import survey
from vqa.databases.records import Database


@hydra.main(version_base="1.3", config_path="../../conf", config_name="doctor")
def main(config: assembly.Config) -> None:
    """Check, print the findings and write them; a fault makes the exit status 1."""
    with assembly.readable_errors():
        assembly.set_up(config)
        output = Path(config.output or f"doctor-{config.data.name}.json")
        checkup = check(config, output.with_suffix(".journal.jsonl"))
        write(checkup, output)
    print(f"\n{as_text(checkup)}\nall findings, and the facts of every file: {output}")  # noqa: T201
    if checkup.faults:
        raise SystemExit(1)


def check(config: assembly.Config, journal: Path) -> Checkup:
    """The check that a composed `doctor` configuration asks for."""
    against = [config.against] if isinstance(config.against, str) else config.against or []
    others = dict(read_hashes(path) for path in against)
    go_without = config.data.missing == "skip"
    database = labelled(config)
    if config.fresh:
        journal.unlink(missing_ok=True)
    facts = survey(
        database.videos,
        journal,
        reader=config.data.reader,
        decode=config.decode,
        time_limit_s=config.time_limit_s,
    )
    folder = config.data.root or Path(config.data.labels).parent
    extras = unlabelled(Path(folder).expanduser(), [video.path for video in database.videos])
    return Checkup(database, facts, diagnose(database, facts, extras, others), go_without)


def labelled(config: assembly.Config) -> Database:
    """All labelled videos of the `data` section, those without a file among them.

    Raises:
        ValueError: The section holds several databases.
    """
    if "root" not in config.data:
        raise ValueError(
            f"data={config.data.name} is several databases; check one at a time, for instance "
            "data=konvid"
        )
    config.data.missing = "list"
    return assembly.database(config.data)


if __name__ == "__main__":
    main()
