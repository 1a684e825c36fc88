"""`vqa export`: the folder that it writes, a program without torch, and its errors."""

import json
import subprocess
import sys

import numpy as np
import pytest

from tests.clips import write_clip
from tests.models.pretrained.test_published_models import saved, vsfa_state
from tests.places import ROOT
from vqa.cli import main
from vqa.commands.exporting import formats
from vqa.features.nss import NAMES
from vqa.files import content_hash

# Runs a program in a process that has neither torch nor this package.
WITHOUT = """
import runpy, sys
class Refused:
    def find_spec(self, name, *rest):
        if name.split(".")[0] in ("torch", "vqa"):
            raise ImportError(name)
sys.meta_path.insert(0, Refused())
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported") / "ugc"
    assert main(["export", "ugc", "--format", "torch", "-o", str(folder)]) == 0
    return folder


def test_the_embedded_model_and_what_a_program_must_know(exported):
    about = json.loads((exported / "model.json").read_text(encoding="utf-8"))
    assert sorted(path.name for path in exported.iterdir()) == ["model.json", "model.pt2"]
    assert about["files"] == {"model.pt2": content_hash(exported / "model.pt2")}
    assert about["input"]["shape"] == ["moments", 1836]
    assert about["reading"]["features"]["nss"]["settings"]["yuv_matrix"] == "bt601"
    assert about["reading"]["features"]["nss"]["names"][1835] == NAMES[-1]
    assert max(about["checked"]["model.pt2"].values()) < 1e-4
    interval = about["scale"]["interval"]
    low, high = (np.interp(3.0, interval["score"], interval[end]) for end in ("low", "high"))
    assert 0.5 < (high - low) / 2 < 0.8  # the card of the model says about 0.67
    assert about["scale"]["percentiles"]["mos"][0] < about["scale"]["percentiles"]["mos"][100]
    run = formats.opened(exported / "model.pt2", "torch")
    score, _, quality = run(np.full((1, 1836), np.nan, dtype=np.float32))
    assert 1 < score < 5
    assert quality.shape == (1,)


def test_a_program_without_torch_scores_a_clip(tmp_path, capsys, monkeypatch):
    pytest.importorskip("onnxruntime")
    monkeypatch.chdir(tmp_path)
    weights = saved(tmp_path / "VSFA.pt", vsfa_state(4096, 128, 32))
    clip = tmp_path / "clip.mp4"
    write_clip(clip, frames=6)
    words = ["--weights", str(weights), "--backbone-weights", "random"]
    folder = tmp_path / "exported"
    assert main(["export", "vsfa", *words, "-o", str(folder)]) == 0
    assert "features.onnx: largest difference" in capsys.readouterr().out
    program = ROOT / "docs/examples/score_without_torch.py"
    assert len(program.read_text(encoding="utf-8").splitlines()) <= 30
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, str(program), str(folder), str(clip)],
        capture_output=True, text=True, encoding="utf-8", check=True,
    )  # fmt: skip
    assert "RANDOM weights" in done.stdout
    assert main(["score", str(clip), "--model", "vsfa", *words, "--json"]) == 0
    score = json.loads(capsys.readouterr().out)["score"]
    assert float(done.stdout.split()[0]) == pytest.approx(score, abs=1e-3)


def test_a_head_needs_no_weights_of_its_backbone(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    weights = saved(tmp_path / "VSFA.pt", vsfa_state(4096, 128, 32))
    folder = tmp_path / "head"
    words = ["--weights", str(weights), "--head", "--format", "torch", "-o", str(folder)]
    assert main(["export", "vsfa", *words]) == 0
    assert sorted(path.name for path in folder.iterdir()) == ["model.json", "model.pt2"]
    assert "RANDOM" not in capsys.readouterr().out


def test_an_earlier_export_stays(exported, capsys):
    before = (exported / "model.json").read_bytes()
    assert main(["export", "ugc", "--format", "torch", "-o", str(exported)]) == 2
    assert "exists; remove it, or choose another --output" in capsys.readouterr().err
    assert (exported / "model.json").read_bytes() == before


def test_a_file_that_differs_is_not_kept(tmp_path, capsys, monkeypatch):
    real = formats.opened

    def wrong(path, kind):
        run = real(path, kind)
        return lambda x: [run(x)[0] + 0.001, *run(x)[1:]]

    monkeypatch.setattr(formats, "opened", wrong)
    assert main(["export", "ugc", "--format", "torch", "-o", str(tmp_path / "out")]) == 2
    assert "differs in score at 1 moments by 0.001" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["vsfa"], "vsfa has no weights"),
        (["nowhere"], "nowhere"),
        (["ugc", "--weights", "x.pt"], "expected weights= only with a published model"),
        (["ugc", "--format", "tflite"], "invalid choice: 'tflite'"),
    ],
)
def test_mistakes_are_one_line(words, told, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    try:
        status = main(["export", *words])
    except SystemExit as stopped:
        status = stopped.code
    error = capsys.readouterr().err
    assert status == 2
    assert told in error
    assert len(error.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_missing_package_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert main(["export", "ugc", "-o", str(tmp_path / "out")]) == 2
    assert "pip install 'vqa[export]'" in capsys.readouterr().err
