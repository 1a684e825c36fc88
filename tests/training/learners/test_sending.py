"""What a logger gets of a training: its history, each epoch once, with measures beside it."""

import pytest
from pytorch_lightning.loggers.logger import DummyLogger

from tests.training.learners.fakes import data_module, learner
from vqa.training.learners.checkpoints import CheckpointIO

MEASURES = {"learning_rate", "gradient_norm", "videos_per_second"}


class Kept(DummyLogger):
    """Keeps what it gets."""

    def __init__(self):
        super().__init__()
        self.rows = []

    def log_metrics(self, metrics, step=None):
        self.rows.append((step, metrics))


@pytest.mark.parametrize("kind", ["gstvqa", "vsfa"])
def test_it_gets_the_history_and_changes_nothing(kind, tmp_path):
    data, logger = data_module(), Kept()
    plain, logged = learner(kind, 3), learner(kind, 3)
    plain.fit(data, tmp_path / "plain")
    logged.fit(data, tmp_path / "logged", logger)
    assert logged.module.history == plain.module.history
    assert logged.predict(data, data.test) == plain.predict(data, data.test)
    stored = [tmp_path / name / "history.csv" for name in ("plain", "logged")]
    assert stored[0].read_bytes() == stored[1].read_bytes()
    assert [step for step, _ in logger.rows] == [0, 1, 2]
    for (_, row), epoch in zip(logger.rows, plain.module.history, strict=True):
        assert row.keys() - epoch.keys() == MEASURES
        assert {name: row[name] for name in epoch} == epoch
        assert row["learning_rate"] == 3e-3
        assert row["gradient_norm"] > 0
        assert row["videos_per_second"] > 0


def test_a_resumed_training_sends_no_epoch_twice(tmp_path, monkeypatch):
    """Killed in epoch 3 of 5 with a checkpoint after every second: epoch 2 was not sent."""
    data, before, after = data_module(), Kept(), Kept()
    store = CheckpointIO.save_checkpoint
    saved = []

    def killed(self, *args, **options):
        if len(saved) == 1:
            raise KeyboardInterrupt
        saved.append(store(self, *args, **options))

    with monkeypatch.context() as patch:
        patch.setattr(CheckpointIO, "save_checkpoint", killed)
        with pytest.raises(BaseException):  # noqa: B017, PT011 (Lightning ends by SystemExit)
            learner("vsfa", 5, checkpoint_every=2).fit(data, tmp_path, before)
    learner("vsfa", 5, checkpoint_every=2).fit(data, tmp_path, after)
    assert [step for step, _ in before.rows] == [0, 1]
    assert [step for step, _ in after.rows] == [2, 3, 4]
