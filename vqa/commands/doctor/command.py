"""The verb `doctor`: check a database, or without one the installation."""

from collections.abc import Sequence
from pathlib import Path

from vqa.commands import configuration
from vqa.commands.configuration import UsageError
from vqa.commands.doctor.checkup import Checkup, as_text, read_other, write
from vqa.commands.doctor.diagnosis import diagnose
from vqa.commands.doctor.disk import unlabelled
from vqa.commands.doctor.survey import survey
from vqa.commands.experiment import Experiment
from vqa.commands.overrides import checked
from vqa.commands.preflight import check_output
from vqa.files import user_path


def main(
    overrides: Sequence[str],
    *,
    decode: bool = False,
    against: Sequence[str] = (),
    output: str | None = None,
    fresh: bool = False,
    time_limit_s: float = 600.0,
    config_dir: str | None = None,
) -> int:
    """Check a database, print the findings and write them; returns 1 if there is a fault, else 0.

    Args:
        overrides: Of the `doctor` configuration: `data=konvid`, `data.root=...`.
        decode: Decode every frame, which is slow and finds all damage.
        against: Findings of other databases, to look for the same files there.
        output: JSON file of the findings; None: doctor-<database>.json.
        fresh: Examine every file again, whatever the journal knows.
        time_limit_s: Longest wait for the decoder on one video.
        config_dir: A further configuration folder.
    """
    overrides = checked(overrides)
    if config_dir:
        configuration.add_user_code()
    experiment = Experiment.composed(configuration.compose("doctor", overrides, config_dir))
    name = experiment.config["data"]["name"]
    found = check_output("output", output or f"doctor-{name}.json")
    checkup = check(
        experiment,
        found.with_suffix(".journal.jsonl"),
        decode=decode,
        against=against,
        fresh=fresh,
        time_limit_s=time_limit_s,
    )
    write(checkup, found)
    print(f"\n{as_text(checkup)}\nall findings, and the facts of every file: {found}")
    return 1 if checkup.faults else 0


def check(
    experiment: Experiment,
    journal: Path,
    *,
    decode: bool = False,
    against: Sequence[str] = (),
    fresh: bool = False,
    time_limit_s: float = 600.0,
) -> Checkup:
    """Check the database of an experiment; the arguments are those of `main`.

    Raises:
        UsageError: The `data` section holds several databases.
    """
    data = experiment.config["data"]
    if "root" not in data:
        raise UsageError(
            f"data={data['name']} is several databases; check one at a time, "
            "for example vqa doctor konvid"
        )
    others = dict(read_other(path) for path in against)
    # The doctor reports absent files and MOS outside the scale itself.
    read = {**data["read"], "missing": "list"} if "missing" in data["read"] else data["read"]
    labelled = Experiment({**experiment.config, "data": {**data, "read": read}})
    database = labelled.database
    if fresh:
        journal.unlink(missing_ok=True)
    facts = survey(
        database.videos,
        journal,
        reader=experiment.reader,
        decode=decode,
        time_limit_s=time_limit_s,
    )
    folder = user_path(data["root"] or Path(data["labels"]).parent)
    extras = unlabelled(folder, [video.path for video in database.videos])
    findings = diagnose(database, facts, extras, others)
    return Checkup(database, facts, findings, go_without=data.get("missing") == "skip")
