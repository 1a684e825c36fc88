"""Pages without their drawings, for tests that train and score in this process."""

import importlib

import pytest

BLANK = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"></svg>'
PAGES = (
    "vqa.reports.page", "vqa.reports.run_page", "vqa.reports.scoring.page",
    "vqa.reports.scoring.changes_page",
)  # fmt: skip
# One module looks at whole pages, as do tests/reports and all that runs in a process of its own.
DRAWN = ("test_main_job",)


@pytest.fixture(scope="module", autouse=True)
def blank_figures(request):
    """Draw no figures of pages, which would be a third of these tests' time."""
    with pytest.MonkeyPatch.context() as patch:
        if request.module.__name__.rpartition(".")[2] not in DRAWN:
            for page in PAGES:
                patch.setattr(importlib.import_module(page), "to_svg", lambda *_: BLANK)
        yield
