"""Checkpoints under damage, kills and full disks: the same end state, or one line."""

import errno
import logging
import resource

import numpy as np
import pytest
import torch

from tests.training.learners.fakes import data_module, learner
from vqa.training.errors import TrainingError
from vqa.training.learners.checkpoints import (
    BEST,
    LAST,
    PREVIOUS,
    CheckpointIO,
    newest_whole,
    read_checkpoint,
)

WHOLE = {"state_dict": {"w": torch.arange(600.0)}, "optimizer_states": [], "loops": {},
         "callbacks": {}, "history": []}  # fmt: skip


def empty(path):
    path.write_bytes(b"")


def cut(path):
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def flip(path):
    data = bytearray(path.read_bytes())
    data[data.find(np.float32(300).tobytes()) + 1] ^= 1  # a weight
    path.write_bytes(data)


def garble(path):
    path.write_bytes(np.random.default_rng(0).bytes(path.stat().st_size))


def other(path):
    torch.save({"weights": torch.ones(2)}, path)


DAMAGE = [empty, cut, garble, other]


@pytest.mark.parametrize("damage", [*DAMAGE, flip])
def test_a_damaged_checkpoint_is_recognised(damage, tmp_path):
    path = tmp_path / LAST
    CheckpointIO().save_checkpoint(WHOLE, path)
    assert torch.equal(read_checkpoint(path)["state_dict"]["w"], WHOLE["state_dict"]["w"])
    damage(path)
    with pytest.raises(TrainingError, match=r"last\.ckpt is damaged"):
        read_checkpoint(path)


def test_any_flipped_bit_is_recognised_or_harmless(tmp_path):
    path = tmp_path / LAST
    CheckpointIO().save_checkpoint(WHOLE, path)
    data = path.read_bytes()
    rng = np.random.default_rng(0)
    for place in rng.integers(0, 8 * len(data), 300):
        flipped = bytearray(data)
        flipped[place // 8] ^= 1 << (place % 8)
        path.write_bytes(flipped)
        try:
            found = read_checkpoint(path)
        except TrainingError:
            continue
        assert torch.equal(found["state_dict"]["w"], WHOLE["state_dict"]["w"])


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize(("kind", "selection"), [("gstvqa", "last"), ("vsfa", "val_srocc")])
def test_training_resumes_from_the_checkpoint_before_a_damaged_one(
    damage, kind, selection, tmp_path, caplog
):
    data = data_module()
    straight = learner(kind, 5, selection)
    straight.fit(data, tmp_path / "straight")
    learner(kind, 3, selection).fit(data, tmp_path / "broken")
    damage(tmp_path / "broken" / "checkpoints" / LAST)
    resumed = learner(kind, 5, selection)
    with caplog.at_level(logging.INFO):
        resumed.fit(data, tmp_path / "broken")
    assert "last.ckpt is damaged" in caplog.text
    assert f"resuming from {tmp_path / 'broken' / 'checkpoints' / PREVIOUS}" in caplog.text
    for trained, name in ((straight, "one"), (resumed, "two")):
        trained.save(tmp_path / name)
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("one", "two")]
    assert weights[0] == weights[1]
    assert resumed.module.history == straight.module.history


@pytest.mark.parametrize("lost", [[LAST, PREVIOUS], [BEST]])
def test_training_starts_over_without_a_whole_checkpoint(lost, tmp_path, caplog):
    data = data_module()
    straight = learner("vsfa", 4, "val_srocc")
    straight.fit(data, tmp_path / "straight")
    learner("vsfa", 3, "val_srocc").fit(data, tmp_path / "broken")
    for name in lost:
        cut(tmp_path / "broken" / "checkpoints" / name)
    again = learner("vsfa", 4, "val_srocc")
    again.fit(data, tmp_path / "broken")
    assert f"{lost[0]} is damaged" in caplog.text
    assert again.module.history == straight.module.history
    assert again.predict(data, data.test) == straight.predict(data, data.test)


def test_a_damaged_checkpoint_never_replaces_the_one_before_it(tmp_path):
    first = CheckpointIO()
    for step in range(2):
        first.save_checkpoint(WHOLE | {"loops": step}, tmp_path / LAST)
    cut(tmp_path / LAST)
    resumed = newest_whole(tmp_path, best=False)
    assert resumed == tmp_path / PREVIOUS
    CheckpointIO([resumed]).save_checkpoint(WHOLE | {"loops": 2}, tmp_path / LAST)
    assert read_checkpoint(tmp_path / LAST)["loops"] == 2
    assert read_checkpoint(tmp_path / PREVIOUS)["loops"] == 0


def test_a_file_that_is_too_large_leaves_the_last_checkpoint(tmp_path, limited_files):
    plugin = CheckpointIO()
    plugin.save_checkpoint(WHOLE, tmp_path / LAST)
    limited_files(1000)
    with pytest.raises(
        OSError, match=r"checkpoint could not be written.*rerun the command"
    ) as error:
        plugin.save_checkpoint(WHOLE | {"loops": 1}, tmp_path / LAST)
    assert error.value.errno == errno.EFBIG
    assert read_checkpoint(tmp_path / LAST)["loops"] == {}
    assert [path.name for path in tmp_path.iterdir()] == [LAST]


def test_training_resumes_after_the_disk_was_full(tmp_path, limited_files):
    data = data_module()
    straight, broken = learner("vsfa", 4), tmp_path / "broken"
    straight.fit(data, tmp_path / "straight")
    learner("vsfa", 2).fit(data, broken)
    limited_files(1000)
    with pytest.raises(OSError, match="could not be written"):
        learner("vsfa", 4).fit(data, broken)
    limited_files(resource.RLIM_INFINITY)
    resumed = learner("vsfa", 4)
    resumed.fit(data, broken)
    assert resumed.module.history == straight.module.history
    assert resumed.predict(data, data.test) == straight.predict(data, data.test)


@pytest.fixture
def limited_files():
    """Limit the size of files that this process writes, as a quota does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
