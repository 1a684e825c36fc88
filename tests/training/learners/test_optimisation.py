"""Learning rates by part and over time."""

import math
from functools import partial

import pytest
import torch
from torch import nn

from tests.training.learners.fakes import data_module, learner
from vqa.training.learners.fitting import new_module
from vqa.training.learners.module import ScoreModule
from vqa.training.learners.optimisation import parameter_groups, parts_of, warmup_cosine


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.spatial = nn.ModuleDict({"backbone": nn.Linear(2, 3), "head": nn.Linear(3, 1)})
        self.backbone_of_another_name = nn.Linear(2, 1)


def test_every_parameter_is_in_one_group_with_its_rate():
    network = Network()
    rest, backbone, head = parameter_groups(network, {"backbone": 0.1, "head": 0.2})
    assert set(backbone["params"]) == set(network.spatial["backbone"].parameters())
    assert set(head["params"]) == set(network.spatial["head"].parameters())
    assert (backbone["lr"], head["lr"], "lr" in rest) == (0.1, 0.2, False)
    sizes = [p.numel() for group in (rest, backbone, head) for p in group["params"]]
    assert sum(sizes) == sum(p.numel() for p in network.parameters())
    assert parameter_groups(network, {}) == list(network.parameters())


def test_a_name_without_parameters_is_an_error_that_lists_the_parts():
    with pytest.raises(ValueError, match=r"no part bakbone.*backbone, .*spatial"):
        parts_of(Network(), ["bakbone"])


def test_schedule_rises_from_zero_and_falls_by_a_cosine():
    factors = [warmup_cosine(step, 10, 100) for step in range(100)]
    assert factors[0] == 0
    assert factors[:26] == pytest.approx([step / 25 for step in range(26)])
    for step in range(25, 100):
        assert factors[step] == pytest.approx(0.5 * (1 + math.cos(math.pi * (step - 25) / 100)))
    assert factors[-1] > 0
    assert warmup_cosine(0, 10, 100, warmup_epochs=0) == 1


def test_rates_follow_the_schedule_step_by_step(tmp_path):
    rates = []

    class Spy(ScoreModule):
        def on_train_batch_end(self, *_):
            groups = self.trainer.optimizers[0].param_groups
            rates.append([group["lr"] for group in groups])

    module = partial(
        Spy,
        learning_rates={"head": 1e-2},
        schedule=partial(warmup_cosine, warmup_epochs=1.0),
    )
    data = data_module()
    trained = learner("vsfa", 3, module=module)
    trained.fit(data, tmp_path)
    epoch = len(data.train_dataloader())
    # What a step leaves behind are the rates of the next.
    wanted = [warmup_cosine(step + 1, epoch, 3 * epoch, 1.0) for step in range(3 * epoch)]
    assert [rate for rate, _ in rates] == pytest.approx([3e-3 * factor for factor in wanted])
    assert [rate for _, rate in rates] == pytest.approx([1e-2 * factor for factor in wanted])


def test_a_frozen_part_learns_only_after_its_epochs(tmp_path):
    def head_after(epochs):
        module = partial(ScoreModule, frozen_epochs={"reduce": 2})
        trained = learner("vsfa", epochs, module=module)
        trained.fit(data_module(), tmp_path / str(epochs))
        return trained.module.network.state_dict()

    first = new_module(learner("vsfa"), 20, 5.0).network.state_dict()
    held, moved = head_after(2), head_after(3)
    assert torch.equal(held["reduce.weight"], first["reduce.weight"])
    assert not torch.equal(held["head.weight"], first["head.weight"])
    assert not torch.equal(moved["reduce.weight"], first["reduce.weight"])


def test_resuming_goes_on_with_rates_and_average(tmp_path):
    options = {
        "module": partial(
            ScoreModule,
            schedule=lambda step, epoch, steps: 1 / (1 + step),
            frozen_epochs={"reduce": 1},
        ),
        "ema_decay": 0.8,
        "calibrate": True,
    }
    data = data_module()
    straight = learner("vsfa", 6, **options)
    straight.fit(data, tmp_path / "straight")
    learner("vsfa", 2, **options).fit(data, tmp_path / "broken")
    resumed = learner("vsfa", 6, **options)
    resumed.fit(data, tmp_path / "broken")
    assert resumed.module.history == straight.module.history
    assert resumed.predict(data, data.test) == straight.predict(data, data.test)


def test_the_average_of_the_weights_is_what_scores(tmp_path):
    states = []

    class Spy(ScoreModule):
        def on_train_batch_end(self, *_):
            states.append({k: v.clone() for k, v in self.network.state_dict().items()})

    trained = learner("vsfa", 2, module=Spy, ema_decay=0.7)
    trained.fit(data_module(), tmp_path)
    average = states[0]["head.weight"]
    for state in states[1:]:
        average = 0.7 * average + 0.3 * state["head.weight"]
    torch.testing.assert_close(trained.module.network.head.weight.data, average)
