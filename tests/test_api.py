"""The Python face: what it gives, what it imports, and where it works."""

import pickle
import subprocess
import sys
import threading
from pathlib import Path

import pandas as pd
import pyarrow
import pytest
import torch
from torch.utils.data import DataLoader, Dataset

import vqa
from tests.commands.calling import run
from tests.places import CONF, ROOT
from vqa.commands.scoring.tables import schema

SMALL = (
    "+data.read.contents=5", "+data.read.versions=3", "+data.read.frames=8",
    "+data.read.size=[64,48]", "trainer.max_epochs=2",
)  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a finished run on a small demo."""
    place = tmp_path_factory.mktemp("face")
    paths = [f"paths.{name}={place / name}" for name in ("data", "cache", "runs")]
    run("train", *SMALL, *paths, f"folder={place / 'run'}")
    return place


@pytest.fixture(scope="module")
def stored(place):
    """The run's predictions: path of the file -> score."""
    table = pd.read_csv(place / "run" / "predictions.csv")
    files = {path.name: path for path in (place / "data").rglob("*.mp4")}
    return {files[Path(row.video).name]: row.score for row in table.itertuples()}


def test_a_run_scores_files_as_it_predicted_them(place, stored):
    scorer = vqa.load(place / "run")
    for path, expected in stored.items():
        score = scorer(path)
        assert isinstance(score, vqa.Score)
        assert score.raw == pytest.approx(expected, abs=1e-6)  # alone, not in a batch
        assert score.mos_range == scorer.mos_range == (1.0, 5.0)
        assert len(score.times_s) == len(score.frame_quality) == score.frames == 8
        assert score.reader.startswith("pyav ")
        assert score.weights
        assert not score.error


def test_scores_come_one_at_a_time_and_a_failure_is_a_score(place, stored, tmp_path):
    good, *_ = stored
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    absent = tmp_path / "absent.mp4"
    scores = vqa.load(str(place / "run")).score([broken, str(good), absent])
    first = next(scores)
    assert first.video == str(broken)
    assert first.value is None
    assert first.error
    assert next(scores).raw == pytest.approx(stored[good], abs=1e-6)
    last = next(scores)
    assert last.value is None
    assert "absent.mp4" in last.video
    assert last.error
    assert next(scores, None) is None


def test_a_cache_makes_the_second_time_cheap_and_without_one_nothing_is_stored(
    place, stored, tmp_path, monkeypatch
):
    good, *_ = stored
    first = vqa.load(place / "run", cache=tmp_path / "cache")(good)
    files = list((tmp_path / "cache").rglob("*.safetensors"))
    assert len(files) == 1
    assert vqa.load(place / "run", cache=tmp_path / "cache")(good) == first
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "here"))
    scorer = vqa.load(place / "run")
    assert scorer(good) == scorer(good) == first
    assert scorer.cache is None
    assert not list((tmp_path / "here").iterdir())


def test_rows_of_failed_videos_have_the_types_of_all_rows(place, stored):
    good, *_ = stored
    scorer = vqa.Scorer(place / "run")
    rows = [{"number": 1, **scorer("absent.mp4")}, {"number": 2, **scorer(good)}]
    failed, scored = (vqa.Scorer.typed(pyarrow.Table.from_pylist([row])) for row in rows)
    assert failed.schema == scored.schema
    assert failed.schema == pyarrow.schema([pyarrow.field("number", pyarrow.int64()), *schema()])
    both = pyarrow.concat_tables([failed, scored])
    assert both.to_pylist() == rows


def test_models_are_those_of_the_configuration():
    names = [path.stem for path in (CONF / "model").glob("[a-z]*.yaml")]
    assert vqa.list_models() == sorted(names)


def test_what_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'lod'"):
        _ = vqa.lod
    assert {"load", "list_models", "Score", "Scorer"} <= set(dir(vqa))


def test_nothing_heavy_is_imported_before_it_is_needed(place, stored):
    good, *_ = stored
    program = f"""
import sys
import vqa
assert vqa.list_models()
assert not {{"torch", "hydra", "pytorch_lightning"}} & set(sys.modules)
score = vqa.load({str(place / "run")!r})({str(good)!r})
assert score.value is not None
heavy = {{"hydra", "omegaconf", "pytorch_lightning", "wandb", "torchvision", "sklearn"}}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)


def test_torch_settings_stay_as_they_are(place, stored):
    good, *_ = stored
    state = (
        torch.get_num_threads(), torch.is_grad_enabled(), torch.initial_seed(),
        torch.get_rng_state().tolist(), torch.are_deterministic_algorithms_enabled(),
        torch.get_default_dtype(),
    )  # fmt: skip
    vqa.load(place / "run")(good)
    assert state == (
        torch.get_num_threads(), torch.is_grad_enabled(), torch.initial_seed(),
        torch.get_rng_state().tolist(), torch.are_deterministic_algorithms_enabled(),
        torch.get_default_dtype(),
    )  # fmt: skip


def test_it_works_inside_a_thread(place, stored):
    good, *_ = stored
    found = []
    worker = threading.Thread(target=lambda: found.append(vqa.load(place / "run")(good).raw))
    worker.start()
    worker.join()
    assert found == pytest.approx([stored[good]], abs=1e-6)


class Scored(Dataset):
    """Files with their scores."""

    def __init__(self, run, paths):
        self.run, self.paths = run, paths

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, place):
        return vqa.load(self.run)(self.paths[place]).raw


def test_it_works_inside_a_worker_of_a_loader(place, stored):
    paths = list(stored)[:2]
    loader = DataLoader(Scored(place / "run", paths), batch_size=None, num_workers=1)
    expected = [stored[path] for path in paths]
    assert [float(value) for value in loader] == pytest.approx(expected, abs=1e-6)


def test_a_type_checker_finds_the_package_typed():
    assert (ROOT / "vqa" / "py.typed").is_file()


def test_a_callable_for_other_frameworks_gives_rows(place, stored):
    """Rows of paths and of rows; it is pickled without its model."""
    video = next(iter(stored))
    scorer = pickle.loads(pickle.dumps(vqa.Scorer(place / "run", device="cpu")))
    row = scorer(video)
    assert list(row) == schema().names
    assert row["score"] == vqa.load(place / "run")(video).value
    assert len(row["times_s"]) == row["frames"] == 8
    for name in ("item", "path", "video"):
        assert scorer({name: str(video), "id": 7}) == {name: str(video), "id": 7, **row}
    again = pickle.loads(pickle.dumps(scorer))
    assert again._loaded is None
    assert again(str(video)) == row


def test_its_row_of_a_bad_file_says_why(place, tmp_path):
    (tmp_path / "bad.mp4").write_bytes(b"no video")
    scorer = vqa.Scorer(place / "run")
    for name in ("bad.mp4", "gone.mp4"):
        row = scorer(tmp_path / name)
        assert row["score"] is None
        assert row["error"]
    with pytest.raises(ValueError, match="found the columns id"):
        scorer({"id": 1})
