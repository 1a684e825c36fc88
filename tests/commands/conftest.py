"""Pages without their drawings, for tests that train and score in this process."""

import importlib
from contextlib import contextmanager

import pytest

BLANK = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"></svg>'
PAGES = (
    "vqa.reports.page", "vqa.reports.run_page", "vqa.reports.scoring.page",
    "vqa.reports.scoring.changes_page",
)  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def drawn():
    """Draw no figures of pages, which would be a third of these tests' time.

    Tests of reports draw them, all that runs in a process of its own, and what stands in a `with`
    statement of this fixture.
    """
    pages = [importlib.import_module(page) for page in PAGES]

    @contextmanager
    def drawing():
        patch.undo()
        yield
        blank()

    def blank():
        for page in pages:
            patch.setattr(page, "to_svg", lambda *_: BLANK)

    with pytest.MonkeyPatch.context() as patch:
        blank()
        yield drawing


@pytest.fixture
def plain_reports(monkeypatch):
    """Runs without their pages, which take most of the time and are tested elsewhere."""
    monkeypatch.setattr("vqa.commands.conclusion.write_evidence", lambda *_: None)
    monkeypatch.setattr(
        "vqa.commands.conclusion.write_report",
        lambda folder: (folder / "report.html").write_text(""),
    )
