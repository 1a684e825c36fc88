"""Writers of info `.mat` files in the formats of VSFA and SimpleVQA."""

import h5py
import numpy as np
import scipy.io

NAMES = tuple(f"Folder/{letter}_{number}.mp4" for letter in "ab" for number in range(10))


def permutations(count, start, length=20):
    rng = np.random.default_rng(1)
    return np.stack([rng.permutation(length) + start for _ in range(count)])


def write_vsfa(path, orders, names=NAMES, references=None, scores=None):
    """Write version 7.3 like VSFA: transposed, with strings as references to codes."""
    with h5py.File(path, "w") as file:
        file["index"] = np.asarray(orders, float).T
        file["scores"] = np.arange(len(names), dtype=float)[None] if scores is None else scores
        if references is not None:
            file["ref_ids"] = np.asarray(references, float)[None]
        cells = file.create_dataset("video_names", (1, len(names)), dtype=h5py.ref_dtype)
        for number, name in enumerate(names):
            codes = np.array([[ord(letter)] for letter in name], np.uint16)
            cells[0, number] = file.create_dataset(f"#refs#/{number}", data=codes).ref
    return path


def write_simplevqa(path, orders, names=NAMES):
    """Write version 5 like SimpleVQA: cells of strings, rows counted from 0."""
    cells = np.empty((len(names), 1), object)
    cells[:, 0] = names
    scores = np.arange(len(names), dtype=float)[:, None]
    scipy.io.savemat(path, {"index": orders, "video_names": cells, "scores": scores})
    return path
