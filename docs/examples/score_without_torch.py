"""Score a clip with an exported model of frame features; needs PyAV, NumPy and ONNX Runtime.

vqa export runs/<run> -o exported/
python score_without_torch.py exported/ clip.mp4
"""

import json
import sys
from pathlib import Path

import av
import numpy as np
import onnxruntime

folder = Path(sys.argv[1])
about = json.loads((folder / "model.json").read_text(encoding="utf-8"))
features, model = (
    onnxruntime.InferenceSession(str(folder / name)) for name in ("features.onnx", "model.onnx")
)
rows = []
with av.open(sys.argv[2]) as container:
    for frame in container.decode(video=0):
        rgb = frame.to_ndarray(format="rgb24")[None]
        rows.append(features.run(None, {"frames": rgb})[0])
score, _, quality = model.run(None, {"features": np.concatenate(rows)})
print(f"{float(score):.4f} on {about['scale']['is']}; worst frame {int(quality.argmin())}")
if interval := about["scale"]["interval"]:
    low, high = (np.interp(score, interval["score"], interval[end]) for end in ("low", "high"))
    print(f"{interval['level']:.0%} interval: {low:.2f} to {high:.2f}")
print(*about["notes"], sep="\n")
