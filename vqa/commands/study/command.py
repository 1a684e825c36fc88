"""`vqa study`: a paper's table or figure by one command."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from vqa.commands import configuration
from vqa.commands.configuration import UsageError
from vqa.commands.engines.settings import EngineSettings
from vqa.commands.engines.shares import EngineError
from vqa.commands.errors import FAILED
from vqa.commands.experiment import Experiment
from vqa.commands.overrides import checked, value_of
from vqa.commands.preflight import check_experiment, check_folder
from vqa.commands.process import report, set_up
from vqa.commands.study.composing import Composer, key_of, smoke_settings
from vqa.commands.study.definition import Study, names, read
from vqa.commands.study.estimating import described
from vqa.commands.study.material import Material, Picture
from vqa.commands.study.outputs import write_study
from vqa.commands.study.planning import Plan
from vqa.commands.study.values import Numbers, document, to_draw
from vqa.commands.study.work import Work, read_released, released
from vqa.files import user_path
from vqa.reports.figures import mark
from vqa.reports.study import as_text
from vqa.runs.environment import command_line
from vqa.runs.used_features import MARK

OWN = {"shard": "1/1", "output": None, "predictions": None, "videos": None}


def main(
    name: str | None, words: Sequence[str], *, plan_only: bool, smoke: bool, config_dir: str | None
) -> int:
    """List the studies, print the plan of one, or do it; returns the exit status."""
    if name is None:
        for known, path in names(config_dir).items():
            head = configuration.head_comment(path)
            print(f"{known:24s}{head[0] if head else ''}")
        return 0
    plan, own = planned(name, words, plan_only=plan_only, smoke=smoke, config_dir=config_dir)
    if plan_only:
        print(described(plan))
        return 0
    if EngineSettings.of(plan.composer().config).is_local:
        return do(plan, own, smoke=smoke)
    flags = ["--smoke"] if smoke else []
    flags += ["--config-dir", config_dir] if config_dir else []
    return _on_engine(plan, own, ["study", name, *words, *flags], smoke=smoke)


def planned(
    name: str, words: Sequence[str], *, plan_only: bool, smoke: bool, config_dir: str | None
) -> tuple[Plan, dict[str, Any]]:
    """Return the plan of a study, and its own settings; arguments as for `main`.

    Raises:
        ValueError: The study, or one of the words, does not fit.
    """
    configuration.register_resolvers()
    if config_dir:
        configuration.add_user_code()
    study = read(name, config_dir)
    own, roots, given = _sorted(checked(words))
    tiny = smoke_settings() if smoke else None
    if tiny is not None:
        study = _in_smoke_size(study)
    composer = Composer(given, roots=roots, smoke=tiny, config_dir=config_dir)
    plan = Plan(study, composer, check_databases=not (plan_only and smoke))
    if study.rows and composer.unused:
        raise UsageError(f"{composer.unused[0]}: no training of {study.name} has these features")
    return plan, own


def _on_engine(plan: Plan, own: dict[str, Any], words: Sequence[str], *, smoke: bool) -> int:
    """Let an engine do the trainings and tests, then write the outputs from what is finished."""
    from vqa.commands.engines import verbs

    set_up(plan.composer().config["threads"])
    status = 0
    if own["predictions"] is None:
        try:
            verbs.study(plan, words)
        except EngineError as error:  # a training that fails costs its cells only
            report(str(error))
            status = FAILED
    return max(status, do(plan, {**own, "shard": None}, smoke=smoke))


def do(plan: Plan, own: dict[str, Any], *, smoke: bool) -> int:
    """Do a study and write its outputs, again after each training; returns the exit status.

    Args:
        plan: The study.
        own: Its own settings; with None as `shard`, nothing is trained or tested.
        smoke: Whether it is in smoke size.
    """
    study, base = plan.study, plan.composer()
    set_up(base.config["threads"])
    for training in plan.trainings:
        check_experiment(training.experiment.config)
    folder = _folder(own["output"], base.config["paths"]["runs"], study.name, smoke)
    check_folder("output", folder)
    base.tracker.check()
    found = None
    if own["predictions"] is not None:
        files = released(study, own["predictions"])
        found = {place: read_released(path) for place, path in files.items()}
    work = Work(plan)
    numbers = Numbers(plan, work, found, smoke=smoke)

    def write(pictures: Sequence[Picture] = ()) -> tuple[dict[str, Any], Path]:
        content = document(
            plan, numbers.cells(), work,
            command=command_line(), smoke=smoke, released=found is not None,
        )  # fmt: skip
        content["notes"] += [note for one in pictures for note in one.notes]
        content["notes"] = list(dict.fromkeys(content["notes"]))
        return content, write_study(folder, content, pictures)

    if found is None:
        work.do(own["shard"], write)
    content, page = write()
    pictures = _drawn(plan, content) if study.rows else _pictures(plan, work, own["videos"])
    if pictures:
        content, page = write(pictures)
    base.tracker.finish_study(folder)
    for note in content["notes"]:
        print(f"NOTE: {note}")
    print(f"\n{study.title}\n")
    if study.rows:
        print(as_text(content))
    for picture in pictures:
        print(f"{picture.name}: {picture.caption}")
    print(f"report: {page}")
    return 1 if work.failed else 0


def _drawn(plan: Plan, content: Mapping[str, Any]) -> list[Picture]:
    """Draw the figure of a table, if it has one and any of its numbers is known."""
    study = plan.study
    rows = to_draw(study, content["cells"])
    if study.figure is None or all(row["value"] is None for row in rows):
        return []
    figure = _build(plan, study.figure)(rows)
    marked = MARK if any(cell["untrained"] for cell in content["cells"]) else ""
    caption = f"{study.title}; filled: ours, with intervals; hollow: printed"
    return [Picture(study.name.rpartition("/")[2], caption, mark(figure, marked))]


def _build(plan: Plan, figure: Mapping[str, Any]) -> Any:
    """Return the function of a figure; one of your own needs --config-dir."""
    trusted = None if plan.composer.config_dir else ()
    return Experiment(plan.composer().config, trusted).figure(figure)


def _pictures(plan: Plan, work: Work, videos: Any) -> list[Picture]:
    """Draw the figure of a study; none if a training or every database is missing."""
    present = [name for name, absent in plan.databases.items() if not absent]
    if plan.databases and not present:
        return []
    places = [videos] if isinstance(videos, str) else list(videos or ())
    material = Material(
        plan.composer,
        {name: work.runs[one] for name, one in plan.named.items() if one in work.runs},
        present,
        [user_path(place) for place in places],
    )
    if plan.named and not material.runs:
        return []
    drawn: list[Picture] = _build(plan, plan.study.figure or {})(material)
    return drawn


def _sorted(words: Sequence[str]) -> tuple[dict[str, Any], dict[str, str], list[str]]:
    """Divide the words into the study's own settings, folders of databases, and overrides."""
    own, roots, given = dict(OWN), {}, []
    for word in words:
        key = key_of(word)
        if word.startswith("-"):
            raise UsageError(f"{word}: no such flag; vqa study --help shows the usage")
        if key in own:
            own[key] = value_of(word)
        elif key.startswith("roots."):
            roots[key.removeprefix("roots.")] = str(value_of(word))
        elif key in ("data", "model", "folder", "experiment"):
            raise UsageError(f"{word}: the study says which {key} its cells have; copy its YAML")
        else:
            given.append(word)
    return own, roots, given


def _in_smoke_size(study: Study) -> Study:
    """Return a study with the settings of its figure, and the overrides, for smoke size."""
    if not study.rows:
        return replace(study, figure={**(study.figure or {}), **study.smoke})
    return replace(study, overrides=[*study.overrides, *study.smoke.get("overrides", ())])


def _folder(output: str | None, runs: str, name: str, smoke: bool) -> Path:
    if output is not None:
        return user_path(output)
    return Path(runs) / "studies" / (name.replace("/", "-") + ("-smoke" if smoke else ""))


def command(options: Any) -> int:
    """Run the verb with parsed flags."""
    name, words = named(options)
    return main(
        name, words, plan_only=options.plan, smoke=options.smoke, config_dir=options.config_dir
    )


def named(options: Any) -> tuple[str | None, list[str]]:
    """Return the name of the study among the words, and the others.

    Raises:
        UsageError: A word stands in its place.
    """
    words = [*options.words, *options.rest]
    name = words.pop(0) if words and "=" not in words[0] else None
    if name is None and words:
        raise UsageError(f"vqa study {words[0]}: expected the name of a study before overrides")
    return name, words
