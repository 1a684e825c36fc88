"""All benchmarks of a GPU in one go: at most seven minutes on one H100 or H200, resumable by part.

Random weights and made data, no network. Every part is a script of this folder in a process of its
own, with a time limit; its output goes to `<folder>/<part>.txt`, and a part that has one is not run
again. No part starts after `--minutes`. The outputs of all parts are printed at the end.
Run: python benchmarks/gpu.py [--folder gpu] [--parts extraction-vgg16 ...] [--tiny --device cpu]
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
DECODERS = ["--decoders", "1", "4", "15", "--seconds", "3"]
PARTS = {
    "training-gstvqa": ["training.py", "--kind", "gstvqa", "--videos", "256", "--rounds", "3"],
    "training-vsfa": ["training.py", "--kind", "vsfa", "--videos", "256", "--rounds", "3"],
    "extraction-vgg16": ["gpu_extraction.py", "--extractors", "vgg16", *DECODERS],
    "extraction-resnet50": ["gpu_extraction.py", "--extractors", "resnet50", *DECODERS],
    "scoring": ["gpu_scoring.py"],
    "networks-fastvqa": ["gpu_networks.py", "--parts", "fastvqa"],
    "extraction-openclip": ["gpu_extraction.py", "--extractors", "openclip", *DECODERS],
    "extraction-nss": ["gpu_extraction.py", "--extractors", "nss", "nss_on_cpu", *DECODERS],
    "extraction-saliency": ["gpu_extraction.py", "--extractors", "saliency", *DECODERS],
    "networks-clifvqa": ["gpu_networks.py", "--parts", "clifvqa"],
}
TINY = {
    "training.py": ["--videos", "12", "--frames", "40", "--rounds", "1"],
    "gpu_extraction.py": ["--decoders", "1", "2", "--tiny"],
    "gpu_networks.py": ["--tiny"],
    "gpu_scoring.py": ["--tiny"],
}
LIMIT_S = 100


def command(part: str, device: str, tiny: bool) -> list[str]:
    """Return the command of a part."""
    script, *options = PARTS[part]
    if script != "gpu_scoring.py":  # its commands choose the device themselves
        options += ["--device", device]
    if tiny:  # the last of equal options counts
        options += TINY[script]
    return [sys.executable, str(HERE / script), *options]


def run(part: str, device: str, tiny: bool, limit_s: float) -> tuple[str, bool]:
    """Run a part; return its output, and whether it came to its end."""
    started = time.perf_counter()
    try:
        done = subprocess.run(
            command(part, device, tiny),
            capture_output=True, text=True, encoding="utf-8", timeout=limit_s, check=False,
            cwd=HERE,
        )  # fmt: skip
        text, whole = done.stdout, done.returncode == 0
        if not whole:
            text += "\n".join(done.stderr.splitlines()[-15:]) + "\n"
    except subprocess.TimeoutExpired as error:
        found = error.stdout or b""
        text = found.decode(errors="replace") if isinstance(found, bytes) else found
        text, whole = f"{text}  stopped after {limit_s:.0f} s\n", False
    return f"{text}  [{time.perf_counter() - started:.0f} s]\n", whole


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("gpu"))
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--minutes", type=float, default=6.0)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--tiny", action="store_true", help="a check that everything runs")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    started, failed = time.perf_counter(), []
    for part in options.parts:
        path = options.folder / f"{part}.txt"
        if path.is_file():
            continue
        if time.perf_counter() - started > 60 * options.minutes:
            failed.append(f"{part} (no time left)")
            continue
        print(f"{part} ...", file=sys.stderr, flush=True)
        text, whole = run(part, options.device, options.tiny, LIMIT_S)
        if whole:
            path.write_text(text, encoding="utf-8")
        else:
            failed.append(part)
            print(f"{part} did not finish:\n{text}", flush=True)
    for part in options.parts:
        if (path := options.folder / f"{part}.txt").is_file():
            print(f"## {part}\n{path.read_text(encoding='utf-8')}", flush=True)
    if failed:
        sys.exit(f"left: {', '.join(failed)}; run again to continue")


if __name__ == "__main__":
    main()
