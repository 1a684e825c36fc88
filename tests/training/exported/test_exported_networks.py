"""Exported files give what the learners give, at any length."""

from copy import deepcopy

import numpy as np
import pytest
import torch

from vqa.commands.exporting import checking, formats
from vqa.evaluation.calibration import ScaleCurve
from vqa.evaluation.metrics.curves import Curve
from vqa.features.convnet import ConvnetStatistics
from vqa.features.timm_stages import TimmStages
from vqa.models.fastvqa import FastVQA
from vqa.models.gstvqa import GSTVQA
from vqa.models.mdtvsfa import MDTVSFA
from vqa.models.scalings import quantiles_of, rank_gauss
from vqa.models.svr import fit_svr
from vqa.models.tabular import Tabular, prepare
from vqa.models.vsfa import VSFA
from vqa.runs import RunError
from vqa.training.exported.networks import Exported, OfVector, member_of
from vqa.training.exported.tables import CurveModule, RankTable, SVRModule
from vqa.training.learners.mean_mos import MeanMOS
from vqa.training.learners.neural import NeuralLearner
from vqa.training.learners.scoring import ScoringNetwork
from vqa.training.learners.svr import SVRLearner

DIM = 16
CURVES = {
    "within": ScaleCurve(Curve("logistic4", (4.7, 1.2, 0.1, 0.4)), 1, 5),
    "beyond": ScaleCurve(Curve("logistic4", (9.7, -3.6, 3.1, 3.1)), 1, 5),
    "line": ScaleCurve(Curve("linear", (2.0, 0.3)), 0, 100),
    "logistic5": Curve("logistic5", (2.0, 0.4, 1.0, 0.3, 2.0)),
    "none": None,
}


def neural(network):
    learner = NeuralLearner(None, None, None, None)
    learner.module = ScoringNetwork(network, input_dim=DIM, mos_scale=2.5, mos_offset=0.3).eval()
    learner.module.standardise.mean += 0.1
    learner.module.standardise.scale *= 1.3
    return learner


def rows():
    rng = np.random.default_rng(1)
    return rng.normal(size=(40, DIM)).astype(np.float32), rng.uniform(1, 5, 40)


def svr(kernel, scaler):
    features, mos = rows()
    learner = SVRLearner(kernel=kernel, scaler=scaler)
    learner.fitted = fit_svr(
        features, mos, np.arange(30), np.arange(30, 40), kernel=kernel, scaler=scaler,
        C=[1.0, 4.0], gamma=[0.05, 0.2],
    )  # fmt: skip
    return learner


def tabular():
    torch.manual_seed(0)
    network = Tabular(DIM, members=2)
    features, mos = rows()
    prepare(network, torch.from_numpy(features), torch.from_numpy(mos).float())
    return neural(network)


def models():
    torch.manual_seed(0)
    return {
        "vsfa": [neural(VSFA(DIM))],
        "vsfa, lstm": [neural(VSFA(DIM, rnn="lstm", pooling="mean"))],
        "vsfa, no rnn": [neural(VSFA(DIM, rnn="none"))],
        "gstvqa, two splits": [neural(GSTVQA(DIM, levels=3)), neural(GSTVQA(DIM, levels=3))],
        "gstvqa, concat": [neural(GSTVQA(DIM, attention="concat", pyramid=False, score="fused"))],
        "mdtvsfa": [neural(MDTVSFA(DIM, databases=["konvid", "livevqc"]))],
        "tabular": [tabular()],
        "svr, rbf": [svr("rbf", "minmax")],
        "svr, linear": [svr("linear", "standard")],
        "svr, ranks": [svr("rbf", "rank_gauss")],
    }


def agreement(learners, kind, place, curve):
    members = [member_of(learner, "x") for learner in learners]
    module = Exported(members, [curve] * len(members)).eval()
    path = place / f"model{formats.SUFFIXES[kind]}"
    is_vector = isinstance(members[0], OfVector)
    axis = "moments" if is_vector else "frames"
    names = ("features", ("score", "raw", "quality"))
    formats.write(module, path, kind, torch.rand(50, DIM), {0: (axis, 1)}, names)
    inputs = checking.features(DIM, None, is_vector)
    run = formats.opened(path, kind)
    return checking.check_model(run, [(one, curve) for one in learners], inputs, axis), path


QUICK = {  # the others take their turn with the exhaustive tests
    "torch": ("vsfa", "svr, rbf", "svr, linear"),
    "onnx": ("vsfa, lstm", "gstvqa, two splits", "svr, rbf"),
}


def of_all(kind):
    return [
        pytest.param(name, marks=() if name in QUICK[kind] else pytest.mark.exhaustive)
        for name in models()
    ]


@pytest.mark.parametrize("name", of_all("torch"))
def test_a_torch_program_agrees_at_any_length(name, tmp_path):
    found, _ = agreement(models()[name], "torch", tmp_path, CURVES["beyond"])
    assert list(found) == ["1", "2", "29", "240", "1000"]
    assert max(found.values()) < 1e-5


@pytest.mark.parametrize("name", of_all("onnx"))
def test_an_onnx_file_agrees_at_any_length(name, tmp_path):
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    found, path = agreement(models()[name], "onnx", tmp_path, CURVES["within"])
    assert max(found.values()) < 1e-5
    graph = onnx.load(path).graph
    (source,) = graph.input
    assert source.name == "features"
    assert source.type.tensor_type.shape.dim[0].dim_param in ("frames", "moments")
    assert [one.name for one in graph.output] == ["score", "raw", "quality"]


@pytest.mark.exhaustive  # a minute
@pytest.mark.parametrize("kind", ["torch", "onnx"])
def test_fast_vqa_agrees_with_any_number_of_clips(kind, tmp_path):
    pytest.importorskip("onnxruntime")
    torch.manual_seed(0)
    learner, shape = neural(FastVQA()), (16, 96, 96, 3)
    module = Exported([member_of(learner, "x")], [CURVES["within"]]).eval()
    path = tmp_path / f"model{formats.SUFFIXES[kind]}"
    names = ("fragments", ("score", "raw", "quality"))
    example = torch.zeros(2, *shape, dtype=torch.uint8)
    formats.write(module, path, kind, example, {0: ("clips", 1)}, names)
    found = checking.check_model(
        formats.opened(path, kind),
        [(learner, CURVES["within"])],
        checking.fragments(shape),
        "clips",
    )
    assert list(found) == ["1", "3"]
    assert max(found.values()) < 1e-5


def test_a_network_of_features_takes_frames_of_any_size(tmp_path):
    torch.manual_seed(0)
    extractor = TimmStages("resnet18", "random", stages=[-1], device="cpu")
    axes = {0: ("frames", 1), 1: ("height", 64), 2: ("width", 64)}
    example = torch.zeros(2, 131, 179, 3, dtype=torch.uint8)
    path = tmp_path / "features.pt2"
    formats.write(extractor.network(), path, "torch", example, axes, ("frames", ("features",)))
    run = formats.opened(path, "torch")
    for x in checking.frames():
        assert checking.compared("features", run(x)[0], extractor(x).numpy()) < 1e-5


def test_networks_of_fixed_sizes_are_left_out(tmp_path):
    torch.manual_seed(0)
    assert TimmStages("vit_tiny_patch16_224", "random", device="cpu").network() is None
    rounded = ConvnetStatistics("resnet18", "random", device="cpu", precision="bfloat16")
    assert rounded.network() is None


def test_what_an_exporter_cannot_take_is_one_line(tmp_path):
    class Fixed(torch.nn.Module):
        def forward(self, x):
            return x + torch.ones(3)

    axes = {0: ("frames", 1)}
    with pytest.raises(formats.ExportError, match=r"^x: the exporter to torch fails \(.*\)$"):
        formats.write(Fixed(), tmp_path / "x.pt2", "torch", torch.ones(3), axes, ("x", ("y",)))
    assert not list(tmp_path.iterdir())


def test_an_exported_program_needs_no_operation_of_ours(tmp_path):
    _, path = agreement(models()["vsfa"], "torch", tmp_path, None)
    targets = {str(node.target) for node in torch.export.load(path).graph.nodes}
    assert "aten.gru.input" in targets
    assert not any("vqa" in target for target in targets)


def test_a_difference_is_an_error():
    learners = models()["vsfa"]
    inputs = list(checking.features(DIM, None, False))

    def wrong(x):
        score, raw, quality = checking._by_learners([(learners[0], None)], x, "frames")
        return score, raw + (2e-3 if len(x) == 240 else 0), quality

    with pytest.raises(RunError, match=r"raw at 240 frames by 0\.002, expected at most 0\.0001"):
        checking.check_model(wrong, [(learners[0], None)], iter(inputs), "frames")
    with pytest.raises(RunError, match=r"quality .*\(3,\), expected \(1,\)"):
        checking.check_model(
            lambda x: (wrong(x)[0], wrong(x)[1], np.zeros(3)),
            [(learners[0], None)], iter(inputs), "frames",
        )  # fmt: skip


def test_models_stay_as_they_are():
    (learner,) = models()["vsfa"]
    before = deepcopy(learner.module.state_dict())
    member_of(learner, "vsfa")
    assert learner.module.state_dict().keys() == before.keys()
    assert isinstance(learner.module.network.rnn, torch.nn.GRU)


def test_other_models_are_refused():
    with pytest.raises(ValueError, match="model mean_mos: expected one of vsfa, gstvqa"):
        member_of(MeanMOS(), "mean_mos")


@pytest.mark.parametrize("name", CURVES)
def test_curves_are_those_of_the_evaluation(name):
    curve = CURVES[name]
    scores = np.concatenate([np.linspace(-40, 140, 400), [-1e4, 1e4]])
    expected = scores if curve is None else curve(scores)
    found = CurveModule(curve)(torch.from_numpy(scores)).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_the_table_of_ranks_is_the_search():
    rng = np.random.default_rng(3)
    features = rng.normal(size=(60, 5)).round(1)  # with ties
    features[:, 2] = 4.0
    quantiles = torch.from_numpy(quantiles_of(features))
    x = torch.from_numpy(np.concatenate([features, rng.normal(size=(40, 5)) * 3]))
    x[0], x[1], x[2] = torch.nan, torch.inf, 1e9
    known = torch.where(x.abs() <= 1e6, x, torch.nan)
    found = RankTable(quantiles)(x)
    torch.testing.assert_close(found, rank_gauss(known, quantiles), rtol=0, atol=1e-12)


@pytest.mark.parametrize("scaler", ["minmax", "standard", "rank_gauss"])
@pytest.mark.parametrize("kernel", ["rbf", "linear"])
def test_a_regression_is_that_of_the_learner(kernel, scaler):
    learner = svr(kernel, scaler)
    features, _ = rows()
    features[0, 0], features[1, 1], features[2, 2] = np.nan, np.inf, 1e8
    found = SVRModule(learner.fitted)(torch.from_numpy(features)).numpy()
    np.testing.assert_allclose(found, learner.fitted.predict(features), rtol=0, atol=1e-9)
