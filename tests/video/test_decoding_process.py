"""The process behind the decoder."""

import subprocess
import sys


def test_the_child_stays_light():
    """The child imports neither torch nor the parent's main script."""
    heavy = "{'torch', 'decord'}"
    code = f"import sys, vqa.video.decoding_process; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "[]"
