"""The notebooks run, from the first cell to the last, and hold no outputs."""

import json

import pytest

from tests.places import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def test_there_are_notebooks():
    assert len(NOTEBOOKS) == 2


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path, capsys):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    scope = {}
    for cell in code:
        exec(compile("".join(cell["source"]), path.name, "exec"), scope)
    if path.stem == "label_tables":
        printed = capsys.readouterr().out
        assert "by content: 18 train, 6 test, 0 of a scene seen" in printed
        assert "by video: 18 train, 6 test, 0 of a scene seen" not in printed
