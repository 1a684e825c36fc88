"""The script of all GPU benchmarks: resumable by part; every part runs on a CPU in small size."""

import subprocess
import sys

import pytest

from benchmarks import gpu
from tests.places import ROOT


def run(folder, *words, check=True):
    command = [sys.executable, str(ROOT / "benchmarks" / "gpu.py"), "--folder", str(folder)]
    return subprocess.run(
        [*command, "--tiny", "--device", "cpu", *words],
        capture_output=True, check=check, encoding="utf-8",
    )  # fmt: skip


def test_parts_are_run_once_and_a_failed_one_again(tmp_path, monkeypatch, capsys):
    script = tmp_path / "part.py"
    script.write_text(
        "import pathlib, sys\n"
        "runs = pathlib.Path(sys.argv[1])\n"
        "runs.write_text(runs.read_text() + 'x' if runs.exists() else 'x')\n"
        "print('a figure')\n"
        "sys.exit(len(sys.argv) > 2 and not pathlib.Path(sys.argv[2]).exists())\n",
        encoding="utf-8",
    )
    good, bad, mended = (tmp_path / name for name in ("good", "bad", "mended"))
    words = {"good": [str(good)], "bad": [str(bad), str(mended)]}
    monkeypatch.setattr(gpu, "PARTS", words)
    monkeypatch.setattr(
        gpu, "command", lambda part, *_: [sys.executable, str(script), *words[part]]
    )
    monkeypatch.setattr(sys, "argv", ["gpu.py", "--folder", str(tmp_path / "out")])
    with pytest.raises(SystemExit, match="left: bad; run again to continue"):
        gpu.main()
    assert "bad did not finish:\na figure" in capsys.readouterr().out
    mended.touch()
    gpu.main()
    assert capsys.readouterr().out.count("a figure") == 2
    assert (good.read_text(), bad.read_text()) == ("x", "xx")
    monkeypatch.setattr(
        sys, "argv", ["gpu.py", "--folder", str(tmp_path / "late"), "--minutes", "-1"]
    )
    with pytest.raises(SystemExit, match=r"left: good \(no time left\), bad \(no time left\)"):
        gpu.main()


@pytest.mark.exhaustive
@pytest.mark.parametrize("part", gpu.PARTS)
def test_every_part_runs_on_a_cpu_in_small_size(part, tmp_path):
    done = run(tmp_path, "--parts", part)
    assert f"## {part}" in done.stdout
    assert (tmp_path / f"{part}.txt").is_file()
