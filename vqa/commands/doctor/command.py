"""The verb `doctor`: check a database, or without one the installation."""

from collections.abc import Sequence
from pathlib import Path

from vqa.commands import configuration
from vqa.commands.configuration import UsageError
from vqa.commands.doctor.checkup import Checkup, as_text, write
from vqa.commands.doctor.diagnosis import diagnose
from vqa.commands.doctor.disk import unlabelled
from vqa.commands.doctor.earlier import read_earlier
from vqa.commands.doctor.survey import survey
from vqa.commands.experiment import Experiment
from vqa.commands.overrides import checked
from vqa.commands.preflight import check_output
from vqa.files import shown, user_path


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
    found = _json_file(output or f"doctor-{name}.json")
    checkup = check(
        experiment,
        found.with_suffix(".journal.jsonl"),
        decode=decode,
        against=against,
        fresh=fresh,
        time_limit_s=time_limit_s,
    )
    write(checkup, found)
    print(f"\n{as_text(checkup)}\nall findings, and the facts of every file: {shown(found)}")
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
        UsageError: The `data` section holds several databases, or an earlier check or the journal
            cannot be read.
    """
    data = experiment.config["data"]
    if "root" not in data:
        raise _one_at_a_time(f"data={data['name']}")
    others = [read_earlier(path) for path in against]
    # The doctor reports absent files and MOS outside the scale itself.
    read = {**data["read"], "missing": "list"} if "missing" in data["read"] else data["read"]
    labelled = Experiment({**experiment.config, "data": {**data, "read": read}})
    database = labelled.database
    facts = survey(
        database.videos,
        journal,
        reader=experiment.reader,
        decode=decode,
        time_limit_s=time_limit_s,
        fresh=fresh,
    )
    folder = user_path(data["root"] or Path(data["labels"]).parent)
    extras, passed_over = unlabelled(folder, [video.path for video in database.videos])
    findings = diagnose(database, facts, extras, others)
    go_without = data.get("missing") == "skip"
    return Checkup(database, facts, findings, go_without, passed_over.counts)


def _json_file(path: str) -> Path:
    """Return the path of the JSON file to write.

    Raises:
        UsageError: It has another suffix or cannot be written.
    """
    found = check_output("output", path)
    if found.suffix.lower() != ".json" or (found.exists() and not found.is_file()):
        raise UsageError(f"output={shown(path)}: expected a file whose name ends in .json")
    return found


def _one_at_a_time(given: str) -> UsageError:
    return UsageError(
        f"{given} is several databases; check one at a time, for example vqa doctor konvid"
    )
