"""Answers of CLIP to descriptions of frames (CLiF-VQA, Figs. 3 and 4)."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from vqa.commands.experiment import Experiment
from vqa.commands.study.figures import image_changes
from vqa.commands.study.figures.choosing import frames_of, of_study
from vqa.commands.study.material import Material, Picture
from vqa.databases.records import VideoRecord
from vqa.evaluation import metrics
from vqa.features.openclip import OpenClipWindows
from vqa.files import shown
from vqa.progress import progress_bar
from vqa.reports.figures import mark
from vqa.reports.figures.answers import (
    FRAME_WIDTH,
    Answered,
    Course,
    answers_over_steps,
    frames_with_answers,
)
from vqa.reports.figures.printed import thumbnail
from vqa.reports.words import plural
from vqa.runs.used_features import MARK, RANDOM

NOUN = " image block"  # at the end of most descriptions
LONGEST = 36  # letters of a file's name
CHANGES = {
    "brightness": image_changes.brightness,
    "contrast": image_changes.contrast,
    "noise": image_changes.noise,
    "colourfulness": image_changes.colourfulness,
}


def objective(
    material: Material,
    changes: Mapping[str, str],
    overrides: Sequence[str] = (),
    videos: int = 8,
    frames: int = 4,
    steps: int = 3,
) -> list[Picture]:
    """Show the answer to each description while frames are changed in what it describes.

    Args:
        material: Of the study; its videos, or some of its first database, are changed.
        changes: Names in `CHANGES`, by description.
        overrides: Of `train`, for the features.
        videos: How many to choose from the database.
        frames: Of each video.
        steps: Of attenuation, and as many of enhancement.

    Raises:
        ValueError: There is no video, or the features have no such description.
        VideoError: A video that the user named cannot be decoded.
    """
    if unknown := sorted(set(changes.values()) - set(CHANGES)):
        raise ValueError(f"changes={unknown[0]}: expected one of {', '.join(CHANGES)}")
    experiment = _experiment(material, overrides)
    extractor = _extractor(experiment, list(changes))
    found, notes = of_study(
        material, experiment, videos, lambda video: frames_of(experiment, video, frames)[1]
    )
    places = np.linspace(-1, 1, 2 * steps + 1)
    courses, rows = [], []
    with progress_bar(len(changes) * len(found), "ask CLIP", "video", delay=5.0) as bar:
        for sentence, change in changes.items():
            alter = CHANGES[change]
            answers = np.zeros((len(found), len(places)))
            for index, (video, pictures) in enumerate(found):
                for step, place in enumerate(places):
                    answers[index, step] = _ask(extractor, alter(pictures, place))[sentence]
                    rows.append((_short(sentence), video.id, place, answers[index, step]))
                bar.update()
            middle = found[len(found) // 2][1][frames // 2][None]
            examples = [alter(middle, place)[0] for place in (-1.0, 0.0, 1.0)]
            rho = _monotonicity(places, answers)
            remark = "" if np.isnan(rho) else f"ρ = {rho:.2f}".replace("-", "−")
            courses.append(Course(_short(sentence), places, answers, examples, remark))
    random = _random(extractor)
    figure = mark(answers_over_steps(courses), MARK if random else "")
    caption = (
        f"Answers of CLIP while {plural(len(found), 'video')} lose (−) or gain (+) what each "
        "description says: the mean as a line, the range over the videos as a band. Above are the "
        "first step, the original and the last step. ρ is Spearman's correlation of answer and "
        f"step, averaged over the videos. {_softmax(extractor)}"
    )
    table = pd.DataFrame(rows, columns=["description", "video", "step", "answer"])
    return [Picture("objective", caption, figure, rows=table, notes=[*random, *notes])]


def subjective(
    material: Material,
    descriptions: Sequence[str],
    overrides: Sequence[str] = (),
    videos: int = 60,
    frames: int = 4,
) -> list[Picture]:
    """Show frames with the answers to several descriptions.

    These are the videos that the user named, or of a database those with the highest and the lowest
    answer to each description.

    Args:
        material: Of the study.
        descriptions: The descriptions.
        overrides: Of `train`, for the features.
        videos: How many of the database to choose from, spread over the MOS.
        frames: Of each video; answers are averaged over them.

    Raises:
        ValueError: There is no video, or the features have no such description.
        VideoError: A video that the user named cannot be decoded.
    """
    experiment = _experiment(material, overrides)
    extractor = _extractor(experiment, descriptions)
    total = len(material.videos) or videos
    with progress_bar(total, "ask CLIP", "video", delay=5.0) as bar:

        def read(video: VideoRecord) -> tuple[np.ndarray, dict[str, float]]:
            _, pictures = frames_of(experiment, video, frames)
            answers = _ask(extractor, pictures)
            bar.update()
            small = thumbnail(pictures[frames // 2], FRAME_WIDTH)
            return small, {_short(one): answers[one] for one in descriptions}

        found, notes = of_study(material, experiment, videos, read)
    places: list[tuple[int, str, str]] = [(index, "", "") for index in range(len(found))]
    if not material.videos:
        places = [
            (int(pick([answers[name] for _, (_, answers) in found])), name, word)
            for name in map(_short, descriptions)
            for pick, word in ((np.argmax, "most"), (np.argmin, "least"))
        ]
    cells, rows = [], []
    for index, name, word in places:
        video, (frame, answers) = found[index]
        title = f"{word} {name}" if name else _shortened(shown(video.path.name))
        cells.append(Answered(frame, title, answers, name))
        rows.append({"shown": title, "video": video.id} | answers)
    random = _random(extractor)
    figure = mark(frames_with_answers(cells), MARK if random else "")
    chosen = "" if material.videos else (
        f" Of {plural(len(found), 'video')} spread over the MOS of {experiment.database.name}, "
        "those with the highest and the lowest answer to each description are shown."
    )  # fmt: skip
    caption = (
        f"Answers of CLIP to {len(descriptions)} descriptions of feelings, averaged over "
        f"{plural(frames, 'frame')} of a video.{chosen} {_softmax(extractor)}"
    )
    notes = [*random, *notes]
    return [Picture("subjective", caption, figure, rows=pd.DataFrame(rows), notes=notes)]


def _experiment(material: Material, overrides: Sequence[str]) -> Experiment:
    data = [f"data={name}" for name in material.databases[:1]]
    return material.compose(*data, "features=openclip", *overrides)


def _extractor(experiment: Experiment, descriptions: Sequence[str]) -> OpenClipWindows:
    """Return the extractor, which must know the descriptions."""
    extractor: OpenClipWindows = experiment.extractor
    if absent := [one for one in descriptions if one not in extractor.descriptions]:
        raise ValueError(
            f"features.openclip.descriptions has no {absent[0]!r}: add it there, or change the "
            "descriptions of the figure"
        )
    return extractor


def _ask(extractor: OpenClipWindows, frames: np.ndarray) -> dict[str, float]:
    """Return the answer to each description, averaged over windows and frames (T, H, W, 3)."""
    count = len(extractor.descriptions)
    means = extractor(frames)[:, :count].double().mean(0).tolist()
    return dict(zip(extractor.descriptions, means, strict=True))


def _monotonicity(steps: np.ndarray, answers: np.ndarray) -> float:
    """Return the mean Spearman correlation of answers (V, S) and steps; NaN if all are constant."""
    known = [rho for one in answers if np.isfinite(rho := metrics.srocc(steps, one))]
    return float(np.mean(known)) if known else np.nan


def _random(extractor: OpenClipWindows) -> list[str]:
    if not extractor.untrained:
        return []
    return [f"openclip has {RANDOM} (features.openclip.weights=random): its answers mean nothing."]


def _softmax(extractor: OpenClipWindows) -> str:
    count = len(extractor.descriptions)
    network = extractor.weights.partition(" ")[0]
    return f"The network is {network}; its softmax runs over {count} descriptions."


def _shortened(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"


def _short(sentence: str) -> str:
    return sentence.removesuffix(NOUN)
