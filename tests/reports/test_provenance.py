"""The run header."""

from vqa.reports.provenance import flat, run_facts

CONFIG = {
    "model": {
        "_target_": "vqa.training.learners.adversarial.AdversarialLearner",
        "network": {"_target_": "vqa.models.gstvqa.GSTVQA", "hidden": 32},
        "epochs": 30,
        "resume": None,
    },
    "features": {
        "nss": {"name": "nss"},
        "resnet50": {"_target_": "vqa.features.resnet.ResNet", "depth": 50},
    },
    "data": {"name": "konvid", "root": "/somewhere/private", "missing": "skip", "reader": "auto"},
    "seed": 0,
}


def test_configuration_is_described_by_name_with_its_options():
    facts = {label: (value, options) for label, value, options in run_facts(CONFIG, {}, {})}
    assert facts == {
        "Model": ("GSTVQA", "by AdversarialLearner, epochs 30"),
        "Features": ("nss, ResNet", "depth 50"),
        "Database": ("konvid", "reader auto"),
        "Seed": ("0", ""),
    }


def test_environment_and_splits():
    environment = flat({"versions": {"python": "3.11", "torch": "2.5"}, "seconds": 193.4})
    splits = {str(number): {"sha256": str(number) * 64} for number in range(5)}
    facts = {
        label: (value, options) for label, value, options in run_facts({}, environment, splits)
    }
    assert facts["Split hash"][0] == "000000000000, 111111111111, 222222222222 and 2 more"
    assert facts["Duration"] == ("3 min 13 s", "")
    assert facts["Versions"] == ("python 3.11", "torch 2.5")


def test_durations():
    said = [run_facts({}, {"seconds": s}, {})[0][1] for s in (4.26, 59.9, 3600, 7530)]
    assert said == ["4.3 s", "1 min 0 s", "1 h 0 min", "2 h 5 min"]


def test_unknown_facts_are_omitted():
    assert run_facts({}, {}, {}) == []
