import pytest

from tests.runs.comparison.finished_runs import make
from vqa.runs.comparison import compare


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return [make(folder, "good", 0.2), make(folder, "bad", 2.0), make(folder, "fair", 0.25)]


@pytest.fixture(scope="session")
def found(runs):
    return compare(runs)
