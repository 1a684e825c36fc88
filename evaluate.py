"""Test a finished run, score videos with it, compare runs, verify one, or score predictions."""

from pathlib import Path

import hydra
from omegaconf import DictConfig

from vqa.commands import assembly, workflow
from vqa.commands.scoring import as_records, find_videos, score_videos, write_scores
from vqa.evaluation.results import format_table, read_predictions, summarise
from vqa.runs import comparison
from vqa.runs.audit import audit, digest
from vqa.runs.comparison.formatting import format_comparison
from vqa.runs.opening import load_run

TASKS = ("run", "runs", "verify", "predictions")


@hydra.main(version_base="1.3", config_path="conf", config_name="evaluate")
def main(config: DictConfig) -> None:
    """Do what the given keys ask for."""
    assembly.set_up(config)
    if sum(config[task] is not None for task in TASKS) != 1:
        raise SystemExit(
            "give one of run=<folder of a finished run> (with data= or videos=), "
            "runs=[<folder>,<folder>], verify=<folder>, predictions=<csv>; --help shows each use"
        )
    with assembly.readable_errors():
        if config.predictions is not None:
            print(format_table(summarise(read_predictions(config.predictions))))
        elif config.verify is not None:
            verify(config)
        elif config.runs is not None:
            compare(config)
        elif config.videos is not None:
            score(config)
        else:
            test(config)


def test(config: DictConfig) -> None:
    """Test a run's models on a database."""
    result = workflow.test(load_run(config.run), config.data, config.paths, fresh=config.fresh)
    for note in result.notes():
        print(f"NOTE: {note}")
    print(f"\n{format_table(result.results())}\n")
    print(f"report: {result.report}")


def score(config: DictConfig) -> None:
    """Score video files; a file that failed makes the exit status 1."""
    run = load_run(config.run)
    output = Path(config.output or "scores.csv")
    videos = as_records(find_videos(config.videos), config.raw_size)
    reader = run.config["data"]["reader"]
    sources = assembly.sources_of(run.config, "files", config.paths.cache, reader)
    low, high = run.database["mos_range"]
    views = assembly.views_of(run.config, sources, reader)
    scores = score_videos(videos, sources, views, workflow.load_learners(run), (low, high))
    files = write_scores(scores, output, run.notes())
    for note in run.notes():
        print(f"NOTE: {note}")
    print(f"score on [{low:g}, {high:g}], the MOS scale of {run.database['name']}; high is good")
    for item in scores:
        print(f"{'failed' if item.score is None else f'{item.score:8.4f}'}  {item.video}")
    print("written: " + ", ".join(map(str, files)))
    if failed := [item for item in scores if item.error]:
        raise SystemExit(f"{len(failed)} of {len(scores)} files failed; their rows say why")


def compare(config: DictConfig) -> None:
    """Compare finished runs on the splits that they share."""
    folder = Path(config.output or "comparison")
    found = comparison.compare([load_run(run) for run in config.runs], metric=config.metric)
    page = comparison.write_comparison_files(found, folder)
    for note in found.content["notes"]:
        print(f"NOTE: {note}")
    print(f"\n{format_comparison(found.content)}\n")
    print(f"report: {page}")


def verify(config: DictConfig) -> None:
    """Recompute a run's numbers from what it stored; a fault makes the exit status 1."""
    run = load_run(config.verify)
    findings = audit(run)
    if config.rescore:
        findings.append(workflow.rescore(run, config.rescore, config.paths))
    for finding in findings:
        print(f"{'FAULT' if finding.fault else 'ok':5s}  {finding.check}")
        if finding.fault:
            print(f"       {finding.fault}")
    if any(finding.fault for finding in findings):
        raise SystemExit(f"{config.verify} does not hold")
    print(f"{config.verify} holds; sha256 of its manifest {digest(run)}")


if __name__ == "__main__":
    main()
