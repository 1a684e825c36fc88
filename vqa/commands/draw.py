"""Draw the maps that an extractor computes for one frame of a video."""

from vqa.commands import configuration
from vqa.commands.building import locate
from vqa.commands.experiment import Experiment
from vqa.commands.preflight import check_output
from vqa.databases.file_records import as_records
from vqa.files import user_path
from vqa.reports.drawing import draw_video


def main(experiment: Experiment) -> int:
    """Draw, then print what is shown and where."""
    config = experiment.config
    output = check_output("output", config["output"])
    extractor = experiment.extractor
    if not extractor.draws:
        able = ", ".join(f"features={name}" for name in drawable())
        raise ValueError(f"the features {extractor.name} have no maps to draw; use {able}")
    (video,) = as_records([user_path(config["draw"])], configuration.raw_format(config["raw"]))
    drawing = draw_video(
        extractor, video, output,
        frame=config["frame"], wanted=config["descriptions"], reader=experiment.reader,
    )  # fmt: skip
    if drawing.note:
        print(f"NOTE: {drawing.note}")
    print(f"{drawing.title}: {drawing.caption}")
    print(f"written: {drawing.path}")
    return 0


def drawable() -> list[str]:
    """List the choices of `features` whose extractor draws maps."""
    from omegaconf import OmegaConf

    found = []
    for name, path in configuration.choices("features").items():
        settings = OmegaConf.load(path)
        target = OmegaConf.select(settings, "extractor._target_")
        if target and getattr(locate(target), "draws", False):
            found.append(name)
    return found
