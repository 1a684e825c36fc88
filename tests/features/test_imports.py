"""Light imports: a clip whose features are cached is scored without heavy libraries."""

import subprocess
import sys

from tests.places import ROOT

HEAVY = ("h5py", "matplotlib", "open_clip", "pandas", "scipy", "sklearn", "torchvision")
LIGHT = [
    "vqa.features.extractor",
    "vqa.features.multiscale",
    "vqa.features.nothing",
    "vqa.features.nss",
    *(
        f"vqa.features.extraction.{path.stem}"
        for path in sorted((ROOT / "vqa" / "features" / "extraction").glob("*.py"))
        if path.stem != "__init__"
    ),
]


def test_extractors_and_caches_import_no_heavy_library():
    code = f"import sys, {', '.join(LIGHT)}; print(*sorted(set({HEAVY}) & set(sys.modules)))"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == []
