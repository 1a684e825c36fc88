"""The notebooks run from the first cell to the last, and are stored with the outputs of a run."""

import json
import sys

import matplotlib.pyplot as plt
import pytest

from tests.places import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
# What a notebook prints, whatever the processor.
PRINTED = {
    "cross_matrix": [],
    "first_training": ["split0     16", "on (1.0, 5.0), 24 frames", "cannot be opened: Invalid"],
    "label_tables": ["by content: 18 train, 6 test, 0 of a scene seen"],
    "own_model": [
        "padding changes nothing: True",
        "all have gradients: True",
        "split0     16",
        "allow it by name: --trust tiny_vqa",
        "on (1.0, 5.0)",
    ],
}


def code_cells(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


@pytest.fixture
def apart(tmp_path, monkeypatch):
    """Undo what a notebook changes in the process: folder, import path, modules, figures."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.split(".")[0] == "tiny_vqa":
            del sys.modules[name]
    plt.close("all")


def test_there_are_notebooks():
    assert [path.stem for path in NOTEBOOKS] == sorted(PRINTED)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_with_its_outputs(path):
    cells = code_cells(path)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert outputs
    kinds = {output["output_type"] for output in outputs}
    assert kinds <= {"stream", "execute_result", "display_data"}
    assert "stderr" not in {output.get("name") for output in outputs}
    stored = "".join("".join(output.get("text", [])) for output in outputs)
    assert [text for text in PRINTED[path.stem] if text not in stored] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path, capsys, apart):
    scope = {}
    for cell in code_cells(path):
        exec(compile("".join(cell["source"]), path.name, "exec"), scope)
    printed = capsys.readouterr().out
    assert [text for text in PRINTED[path.stem] if text not in printed] == []
    if path.stem == "label_tables":
        assert "by video: 18 train, 6 test, 0 of a scene seen" not in printed
