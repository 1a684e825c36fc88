"""A small run for the tests of scoring, trained once."""

import pytest

from tests.commands.calling import run
from tests.fakes import graded_clips


@pytest.fixture(scope="session")
def own(tmp_path_factory):
    """Clips, and a run that was trained on them."""
    place = graded_clips(tmp_path_factory.mktemp("own"))
    run(
        "train", "data=csv", f"data.labels={place / 'labels.csv'}", "data.mos_range=[1,5]",
        "model=svr", "features=multiscale", f"folder={place / 'run'}",
        f"paths.cache={place / 'cache'}", "threads=1",
    )  # fmt: skip
    return place
