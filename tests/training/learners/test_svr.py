"""The SVR as a learner: its inner split, its files, and the order of published scripts."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from tests.training.learners.fakes import KeptSequence
from vqa.databases.records import Database, VideoRecord
from vqa.models.svr import fit_svr
from vqa.protocols import holdout, videval
from vqa.protocols.row_splits import videval_splits
from vqa.training.datamodule import VQADataModule
from vqa.training.learners.svr import SVRLearner
from vqa.training.views import Views

SMALL = {"C": [1.0, 8.0], "gamma": [0.1, 1.0], "workers": 1}


class KeptVector(KeptSequence):
    """Vectors that need no cache."""

    def collate(self, name, samples):
        return {name: torch.stack(list(samples))}


@pytest.fixture(scope="module")
def corpus():
    """Sixty videos of twenty contents whose features tell their MOS."""
    rng = np.random.default_rng(0)
    features, videos = {}, []
    for index in range(60):
        quality = rng.random()
        features[f"v{index}"] = torch.from_numpy(quality + 0.1 * rng.standard_normal(5))
        videos.append(
            VideoRecord(f"v{index}", Path("absent"), 1 + 4 * quality, content=f"c{index % 20}")
        )
    return Database("fake", (1.0, 5.0), tuple(videos)), Views({"features": KeptVector(features)})


def loaders(corpus, split):
    database, views = corpus
    return VQADataModule(database, split, views)


@pytest.mark.parametrize("val_fraction", [0.0, 0.2])
def test_train_save_load_gives_the_same_scores(corpus, val_fraction, tmp_path):
    (split,) = holdout(corpus[0], val_fraction=val_fraction)
    data = loaders(corpus, split)
    learner = SVRLearner(**SMALL)
    learner.fit(data, tmp_path)
    learner.save(tmp_path)
    predictions = learner.predict(data, data.test)
    errors = [abs(row.score - row.mos) for row in predictions]
    assert np.mean(errors) < 0.4
    loaded = SVRLearner(**SMALL)
    loaded.load(tmp_path)
    assert loaded.predict(data, data.test) == predictions
    score, timeline = loaded.assess(data.views.alone(data.test[0]))
    assert score == pytest.approx(predictions[0].score, abs=1e-12)
    assert timeline.tolist() == [score]
    assert len((tmp_path / "grid.csv").read_text().splitlines()) == 1 + 4
    assert "support" in load_file(tmp_path / "model.safetensors")


def test_candidates_are_judged_on_whole_contents_of_the_training_part(corpus):
    (split,) = holdout(corpus[0])
    data = loaders(corpus, split)
    train, val = SVRLearner(**SMALL)._inner_parts(data)
    assert sorted([*train, *val]) == list(range(len(data.train)))
    contents = [{data.train[row].content for row in rows} for rows in (train, val)]
    assert not contents[0] & contents[1]
    again = SVRLearner(**SMALL)._inner_parts(data)
    assert np.array_equal(val, again[1])
    other = SVRLearner(**SMALL, seed=1)._inner_parts(data)
    assert not np.array_equal(val, other[1])


def test_a_validation_part_of_the_split_is_what_judges(corpus):
    (split,) = holdout(corpus[0], val_fraction=0.2)
    data = loaders(corpus, split)
    train, val = SVRLearner(**SMALL)._inner_parts(data)
    assert len(train) == len(data.train)
    assert len(val) == len(data.val)


def test_permuted_test_labels_change_no_prediction(corpus, tmp_path):
    database, views = corpus
    (split,) = holdout(database)
    scores = []
    for factor in (1, -1):
        tested = set(split.test)
        videos = tuple(
            VideoRecord(v.id, v.path, 6 - v.mos, content=v.content)
            if v.id in tested and factor < 0
            else v
            for v in database.videos
        )
        data = loaders((Database("fake", (1.0, 5.0), videos), views), split)
        learner = SVRLearner(**SMALL)
        learner.fit(data, tmp_path)
        scores.append([row.score for row in learner.predict(data, data.test)])
    assert scores[0] == scores[1]


def test_published_splits_reach_the_solver_in_the_published_order(corpus, tmp_path):
    database, views = corpus
    features = np.stack([views(video)["features"].numpy() for video in database.videos])
    mos = np.array([video.mos for video in database.videos])
    for split, rows in zip(videval(database, count=3), videval_splits(len(mos), 3), strict=True):
        data = loaders(corpus, split)
        learner = SVRLearner(**SMALL, inner="videval")
        learner.fit(data, tmp_path)
        place = {row: number for number, row in enumerate(rows.whole)}
        inner = ([place[row] for row in part] for part in (rows.train, rows.val))
        expected = fit_svr(features[rows.whole], mos[rows.whole], *inner, **SMALL)
        found = [row.score for row in learner.predict(data, data.test)]
        assert found == expected.predict(features[rows.test]).tolist()
        assert learner.fitted.candidates == expected.candidates


def test_what_is_asked_wrongly_is_said(corpus, tmp_path):
    with pytest.raises(ValueError, match="content or videval"):
        SVRLearner(inner="rows")
    with pytest.raises(FileNotFoundError, match=r"finish the training first"):
        SVRLearner().load(tmp_path)
    with pytest.raises(RuntimeError, match="neither fitted nor loaded"):
        SVRLearner().save(tmp_path)
