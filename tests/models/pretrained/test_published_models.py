"""Published checkpoints: every layout with its scores and scales, and whatever is no checkpoint."""

import os
import pickle
import zipfile

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from tests.models.test_fastvqa import released
from tests.models.test_gstvqa import LENGTHS, VIDEO_SCORES, golden_batch, published_fill  # noqa: F401
from tests.models.test_mdtvsfa import ALIGNED, MAPPED
from tests.models.test_vsfa import GOLDEN, sine
from tests.places import SHARED
from vqa.models.fastvqa import FastVQA
from vqa.models.mdtvsfa import MDTVSFA, PUBLISHED_KEYS
from vqa.models.pretrained.published_models import LAYOUTS, read_published
from vqa.models.pretrained.weights import WeightsError
from vqa.models.vsfa import VSFA

KONVID_FILE = "training-all-data-GSTVQA-konvid-EXP0-best"


def authors_file(name):
    path = SHARED / "weights" / name
    if not path.is_file():
        pytest.skip(f"the published weights are not at {path}")
    return path


def vsfa_state(dim=16, reduced_dim=8, hidden_dim=4):
    """Random weights in VSFA's layout, by default small ones."""
    torch.manual_seed(0)
    own = VSFA(dim, reduced_dim, hidden_dim).state_dict()
    names = {"reduce": "ann.fc0", "rnn": "rnn", "head": "q"}
    state = {f"{names[k.split('.')[0]]}.{k.split('.', 1)[1]}": v for k, v in own.items()}
    return state | {"ann.fc.weight": torch.zeros(8, 8), "ann.fc.bias": torch.zeros(8)}


def mdtvsfa_state():
    """Small random weights in MDTVSFA's layout, with the lines of two databases."""
    own = MDTVSFA(16, 8, 4).state_dict()
    lines = {f"lm.{letter}.{part}": torch.full(shape, float(value))
             for letter, value in (("K", 3), ("X", 5))
             for part, shape in (("weight", (1, 1)), ("bias", (1,)))}  # fmt: skip
    return {theirs: own[ours] for theirs, ours in PUBLISHED_KEYS.items()} | lines


def fastvqa_state():
    """The layout of FAST-VQA-B in full size; tensors repeat one number, for a small file."""
    with torch.device("meta"):
        keys = released(FastVQA())["state_dict"]
    return {
        key: torch.tensor(0.01 * (place % 7 - 3)).expand(tensor.shape)
        for place, (key, tensor) in enumerate(keys.items())
    }


def saved(path, content, **options):
    torch.save(content, path, **options)
    return path


@torch.inference_mode()
def test_vsfa_gives_the_authors_scores_on_the_scale_of_konvid():
    read = read_published(authors_file("VSFA.pt"), "vsfa")
    for length, score in GOLDEN.items():
        raw = read.network(sine(length)[None], torch.tensor([length])).item()
        assert raw == pytest.approx(score, abs=1e-5)
        assert read.scales[0].curve(raw) == pytest.approx(4.64 * score, abs=5e-5)
    assert (read.databases, read.features, read.input_dim) == (("konvid",), "resnet50", 4096)
    assert [scale.name for scale in read.scales] == ["konvid"]
    assert not read.notes


@torch.inference_mode()
def test_mdtvsfa_gives_the_authors_scores_on_four_scales():
    read = read_published(authors_file("MDTVSFA.pt"), "mdtvsfa")
    raw = read.network(sine(40)[None], torch.tensor([40])).item()
    assert raw == pytest.approx(MAPPED, abs=1e-5)
    scores = {scale.name: float(scale.curve(raw)) for scale in read.scales}
    assert scores == pytest.approx({"mapped": MAPPED} | ALIGNED, abs=1e-5)
    assert all(low <= scores[s.name] <= high for s in read.scales for low, high in [s.limits])
    assert read.databases == ("konvid", "cvd2014", "livequalcomm")
    assert "livevqc" in read.notes[0]


@torch.inference_mode()
@pytest.mark.parametrize(
    ("name", "database", "largest"),
    [
        (KONVID_FILE, "konvid", 4.64),
        ("training-all-data-GSTVQA-cvd14-EXP0-best", "cvd2014", 93.38),
        ("training-all-data-GSTVQA-liveq-EXP0-best", "livequalcomm", 73.6428),
        ("training-all-data-GSTVQA-livev-EXP0-best", "livevqc", 94.2865),
        ("renamed.pt", None, None),
    ],
)
def test_gstvqa_is_on_the_scale_of_the_database_in_the_name_of_its_file(
    tmp_path, request, name, database, largest
):
    read = read_published(saved(tmp_path / name, published_fill()), "gstvqa")
    assert (read.features, read.input_dim) == ("vgg16", 2944)
    if database is None:
        assert (read.databases, read.scales) == ((), ())
        assert "scale of its scores are unknown" in read.notes[-1]
    else:
        assert read.databases == (database,)
        assert read.scales[0].curve(0.5) == pytest.approx(largest / 2)
    if name == KONVID_FILE:
        scores = read.network(*request.getfixturevalue("golden_batch")).tolist()
        assert len(LENGTHS) == len(scores)
        assert scores == pytest.approx(VIDEO_SCORES, rel=1e-3)


def test_fastvqa_is_read_from_its_wrapper_and_has_the_published_display(tmp_path):
    """NumPy's numbers lie beside the weights of the release."""
    content = {"state_dict": fastvqa_state(), "validation_results": [np.float64(0.87)]}
    read = read_published(saved(tmp_path / "FAST_VQA_B_1_4.pth", content), "fastvqa")
    (display,) = read.scales
    assert (read.title, read.databases, read.features) == ("FAST-VQA", ("lsvq",), None)
    # The release's README displays 0.44953 for a score of about -0.11866.
    assert display.curve(-0.11866) == pytest.approx(0.44953, abs=1e-4)
    state = content["state_dict"]
    own = read.network.state_dict()
    name = "layers.1.blocks.0.attn.fragment_position_bias_table"
    assert torch.equal(
        own["backbone.features.2.0.attn.fragment_position_bias_table"],
        state[f"fragments_backbone.{name}"],
    )
    assert torch.equal(own["head.4.weight"], state["vqa_head.fc_last.weight"])
    # The older prefix, without the wrapper, under the name of FasterVQA.
    older = {key.replace("fragments_", ""): value for key, value in state.items()}
    faster = read_published(saved(tmp_path / "FAST_VQA_3D_1_1.pth", older), "fastvqa")
    assert faster.title == "FasterVQA"
    assert faster.scales[0].curve(0.13641) == pytest.approx(0.42326, abs=1e-4)
    assert all(torch.equal(a, b) for a, b in zip(
        faster.network.state_dict().values(), own.values(), strict=True))  # fmt: skip


def test_weights_that_are_not_the_authors_have_no_scale_of_theirs(tmp_path):
    vsfa = read_published(saved(tmp_path / "VSFA.pt", vsfa_state()), "vsfa")
    assert (vsfa.databases, vsfa.scales, vsfa.input_dim) == ((), (), 16)
    assert "not known to be one of the authors' files, such as VSFA.pt" in vsfa.notes[0]
    mixed = read_published(saved(tmp_path / "MDTVSFA.pt", mdtvsfa_state()), "mdtvsfa")
    assert mixed.databases == ()
    assert [scale.name for scale in mixed.scales] == ["mapped", "konvid", "X"]
    assert mixed.scales[2].curve(0.5) == 7.5


@pytest.mark.parametrize("form", ["zip", "legacy", "safetensors"])
def test_the_form_is_known_by_content_and_not_by_name(tmp_path, form):
    path = tmp_path / "weights.bin"
    if form == "safetensors":
        save_file(vsfa_state(), path)
    else:
        saved(path, vsfa_state(), _use_new_zipfile_serialization=form == "zip")
    network = read_published(path, "vsfa").network
    assert torch.equal(network.head.weight, vsfa_state()["q.weight"])
    assert not network.training


STATES = {
    "vsfa": vsfa_state,
    "mdtvsfa": mdtvsfa_state,
    "gstvqa": published_fill,
    "fastvqa": lambda: {"vqa_head.fc_hid.weight": torch.zeros(1)},
}


@pytest.mark.parametrize("model", STATES)
def test_the_error_for_another_model_names_the_right_one(tmp_path, model):
    path = saved(tmp_path / "file.pt", STATES[model]())
    title = {layout.model: layout.title for layout in LAYOUTS}[model]
    for other in STATES.keys() - {model}:
        with pytest.raises(
            WeightsError, match=rf"checkpoint of {title}: expected one of model={other}, .*{model}$"
        ):
            read_published(path, other)


class Bomb:
    """Runs a command when it is unpickled."""

    def __init__(self, place):
        self.place = place

    def __reduce__(self):
        return os.system, (f"touch {self.place}",)


REFUSED = {
    "text": (b"not a checkpoint\n", r"cannot be read \(it is damaged, or no file of weights\)"),
    "empty": (b"", r"cannot be read \(.*\)"),
    "noise": (bytes(range(256)) * 9, "cannot be read"),
    "pickle": (pickle.dumps([1, 2]), "cannot be read"),
    "video": (b"\x00\x00\x00\x20ftypisom" + b"\0" * 99, "cannot be read"),
    "header": (b"\xff" * 8 + b"{", "cannot be read"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_checkpoint_is_refused_in_one_line(tmp_path, kind):
    content, message = REFUSED[kind]
    (tmp_path / "file.pt").write_bytes(content)
    with pytest.raises(WeightsError, match=message) as refusal:
        read_published(tmp_path / "file.pt", "vsfa")
    text = str(refusal.value)
    assert "\n" not in text
    assert "GSTVQA, MDTVSFA, VSFA, FAST-VQA" in text
    assert "weights_only" not in text  # torch's advice to run what the file holds


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_a_file_is_named_and_not_run(tmp_path, zipped):
    content = vsfa_state() | {"q.bias": Bomb(tmp_path / "ran")}
    path = saved(tmp_path / "file.pt", content, _use_new_zipfile_serialization=zipped)
    with pytest.raises(WeightsError, match=r"it holds \w+\.system, .* could run code") as refusal:
        read_published(path, "vsfa")
    assert not (tmp_path / "ran").exists()
    assert "weights_only" not in str(refusal.value)


@pytest.mark.parametrize("share", [0.02, 0.5, 0.999])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_truncated_file_is_refused(tmp_path, share, zipped):
    path = saved(tmp_path / "file.pt", vsfa_state(), _use_new_zipfile_serialization=zipped)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(WeightsError, match="cannot be read"):
        read_published(path, "vsfa")


def test_another_layout_names_what_was_found(tmp_path):
    states = {
        "resnet": {"conv1.weight": torch.zeros(1), "fc.bias": torch.zeros(1)},
        "nothing": {},
        "numbers": {1: torch.zeros(1)},
    }
    for name, found in (
        ("resnet", r"2 entries of another layout \(first conv1\.weight, fc\.bias\)"),
        ("nothing", r"0 entries of another layout \(first none\)"),
        ("numbers", r"1 entries of another layout \(first 1\)"),
    ):
        with pytest.raises(WeightsError, match=found):
            read_published(saved(tmp_path / name, states[name]), "vsfa")
    with pytest.raises(WeightsError, match="expected tensors by name, found list"):
        read_published(saved(tmp_path / "list", [torch.zeros(1)]), "vsfa")
    with pytest.raises(WeightsError, match="expected tensors by name, found int"):
        read_published(saved(tmp_path / "wrapped", {"state_dict": 3}), "vsfa")
    own = {"network.reduce.weight": torch.zeros(1), "mos_scale": torch.tensor(5.0)}
    save_file(own, tmp_path / "model.safetensors")
    with pytest.raises(WeightsError, match=r"weights of a run of vqa .* give the run folder"):
        read_published(tmp_path / "model.safetensors", "vsfa")


def test_a_checkpoint_that_does_not_fit_its_layout_says_why(tmp_path):
    full = vsfa_state()
    cases = {
        "lacks": ({k: v for k, v in full.items() if k != "q.bias"}, r"missing keys \['q\.bias'\]"),
        "more": (full | {"surplus": torch.zeros(1)}, r"unknown keys \['surplus'\]"),
        "shape": (
            full | {"rnn.weight_hh_l0": torch.zeros(3)},
            r"not fit: .*rnn\.weight_hh_l0",
        ),
        "flat": (full | {"ann.fc0.weight": torch.zeros(3)}, "does not fit: not enough values"),
        "nan": (full | {"q.bias": torch.tensor([torch.nan])}, r"1 of 10 entries .*q\.bias first"),
        "number": (full | {"q.bias": 3.0}, r"1 of 10 entries .*q\.bias first"),
    }
    for name, (state, message) in cases.items():
        with pytest.raises(WeightsError, match=message) as refusal:
            read_published(saved(tmp_path / name, state), "vsfa")
        assert "\n" not in str(refusal.value)
    small = {"vqa_head.fc_hid.weight": torch.zeros(1), "backbone.layers.0.blocks.0.attn."
             "relative_position_bias_table": torch.zeros(343, 3)}  # fmt: skip
    with pytest.raises(WeightsError, match=r"found \[343\]; FAST-VQA-M, .* is not supported"):
        read_published(saved(tmp_path / "FAST_VQA_M_1_4.pth", small), "fastvqa")


def test_models_without_checkpoints_and_absent_files_are_named(tmp_path):
    with pytest.raises(WeightsError, match=r"model=svr: expected a model with published .*fastvqa"):
        read_published(tmp_path / "file.pt", "svr")
    with pytest.raises(WeightsError, match=r"no weights file at .*absent\.pt; expected a publish"):
        read_published(tmp_path / "absent.pt", "vsfa")
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        archive.writestr("a.txt", "text")
    with pytest.raises(WeightsError, match="cannot be read"):
        read_published(tmp_path / "archive.zip", "vsfa")
