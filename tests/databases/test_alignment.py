import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.io
from hydra.utils import instantiate
from omegaconf import OmegaConf

from tests.places import CONF, ROOT
from vqa.databases.alignment import (
    Alignment,
    AlignmentError,
    aligned,
    fit_linear,
    published,
    unaligned,
)
from vqa.databases.alignment.inlsa import fit_inlsa, joint_line
from vqa.databases.combined import combine
from vqa.databases.records import Database, VideoRecord

REAL = ROOT.parent / "shared" / "data"
LINES = {"youtube_ugc": (1.0, 0.0), "other": (0.03, 1.5), "third": (0.8, 0.7)}
SCALES = {"youtube_ugc": (1, 5), "other": (0, 100), "third": (0, 5)}


def database(name, mos, mos_range, mos_std=None):
    videos = [
        VideoRecord(f"{index}.mp4", Path(f"{index}.mp4"), float(value), mos_std)
        for index, value in enumerate(mos)
    ]
    return Database(name, mos_range, tuple(videos))


def planted(count=200, noise=0.0, seed=0):
    """Three sources with the same distribution of quality on three scales, and an objective."""
    rng = np.random.default_rng(seed)
    databases, quality = [], {}
    for name, (slope, intercept) in LINES.items():
        own = rng.uniform(2, 4.5, count)
        databases.append(database(name, (own - intercept) / slope, SCALES[name], mos_std=1.0))
        seen = own + noise * rng.standard_normal(count)
        quality.update({f"{name}/{index}.mp4": value for index, value in enumerate(seen)})
    return combine(databases), lambda video: np.array([2 * quality[video.id] - 7])


def ids(combined):
    return [video.id for video in combined.videos]


def test_published_lines_are_the_closed_forms_and_the_distortion_maps():
    whole = combine(
        [
            database("konvid", [1.22, 3.0, 4.64], (1, 5), mos_std=0.5),
            database("livevqc", [6.2237, 63.291, 94.2865], (0, 100)),
            database("youtube_ugc", [1.242, 4.698], (1, 5)),
        ]
    )
    fit = published(whole, [])
    assert fit.lines["konvid"] == pytest.approx((1.1241, -0.2233), abs=5e-5)
    assert fit.lines["livevqc"] == pytest.approx((0.028528, 2.0460), abs=5e-5)
    result = aligned(whole, fit)
    for before, after in zip(whole.videos, result.videos, strict=True):
        mos = before.mos
        expected = {
            "konvid": lambda mos: 5 - 4 * (-0.0993 + 1.1241 * (5 - mos) / 4),
            "livevqc": lambda mos: 5 - 4 * (0.0253 + 0.7132 * (100 - mos) / 100),
            "youtube_ugc": lambda mos: mos,
        }[before.group](mos)
        assert after.mos == pytest.approx(expected, abs=1e-12)
        assert replace(after, mos=mos, mos_std=before.mos_std) == before
    assert result.videos[0].mos_std == pytest.approx(0.5 * 1.1241)
    assert result.videos[3].mos_std is None
    assert result.mos_range == (1.0, 5.0)
    assert set(result.scales.values()) == {(1.0, 5.0)}


def test_published_needs_no_anchor_and_knows_three_sources():
    fit = published(combine([database("konvid", [3.0], (1, 5))]), [])
    assert (fit.anchor, fit.mos_range) == ("youtube_ugc", (1.0, 5.0))
    with pytest.raises(AlignmentError, match="no line for lsvq, only for konvid, livevqc, youtube"):
        published(combine([database("lsvq", [50.0], (0, 100))]), [])


@pytest.mark.parametrize("name", ["linear", "inlsa"])
def test_planted_lines_are_recovered_exactly_without_noise(name):
    whole, objective = planted()
    if name == "inlsa":
        fit = fit_inlsa(whole, ids(whole), objective)
    else:
        # The moments agree exactly if every source has the same qualities.
        quality = np.linspace(2, 4.5, 50)
        whole = combine(
            [database(key, (quality - b) / a, SCALES[key]) for key, (a, b) in LINES.items()]
        )
        fit = fit_linear(whole, ids(whole))
    for source, line in LINES.items():
        assert fit.lines[source] == pytest.approx(line, abs=1e-8)
    assert fit.outliers == ()
    assert fit.mos_range == (1, 5)


@pytest.mark.parametrize("ratio", [0.0, 1.0])
def test_inlsa_does_not_flatten_with_a_noisy_objective(ratio):
    """The objective is as noisy as quality varies; plain least squares would give slopes of 0.5."""
    whole, objective = planted(count=2000, noise=0.72)
    fit = fit_inlsa(whole, ids(whole), objective, error_ratio=ratio)
    for source, (slope, _) in LINES.items():
        assert fit.lines[source][0] == pytest.approx(slope, rel=0.08)
    mos = {source: [] for source in LINES}
    for video in aligned(whole, fit).videos:
        mos[video.group].append(video.mos)
    means = [np.mean(values) for values in mos.values()]
    assert np.ptp(means) < 0.08


def test_inlsa_keeps_a_difference_in_quality_that_linear_removes():
    rng = np.random.default_rng(3)
    good, bad = rng.uniform(3, 5, 500), rng.uniform(1, 3, 500)
    whole = combine([database("youtube_ugc", good, (1, 5)), database("other", bad, (1, 5))])
    seen = dict(zip(ids(whole), np.concatenate([good, bad]), strict=True))
    noise = dict(zip(ids(whole), 0.3 * rng.standard_normal(1000), strict=True))
    inlsa = fit_inlsa(whole, ids(whole), lambda video: seen[video.id] + noise[video.id])
    slope, intercept = inlsa.lines["other"]
    # INLSA reduces the difference of 2 by the correlation of objective and MOS in the anchor.
    correlation = 1 / np.sqrt(1 + 0.3**2 / (2**2 / 12))
    assert slope * 2 + intercept == pytest.approx(4 - 2 * correlation, abs=0.05)
    slope, intercept = fit_linear(whole, ids(whole)).lines["other"]
    assert slope * 2 + intercept == pytest.approx(4, abs=0.1)


def test_joint_line_against_its_definition():
    rng = np.random.default_rng(0)
    x = rng.standard_normal(50)
    y = 0.5 * x + 0.4 * rng.standard_normal(50) + 3
    for ratio in (0.0, 0.5, 2.0):
        slope, intercept = joint_line(x, y, ratio)
        moved = (x + ratio * (y - intercept)) / (1 + slope * ratio)
        on_line = slope * moved + intercept
        assert np.linalg.norm(moved - x) == pytest.approx(ratio * np.linalg.norm(on_line - y))
        assert on_line.var() == pytest.approx(y.var())
        assert on_line.mean() == pytest.approx(y.mean())
    assert joint_line(x, y, 0.0)[0] == pytest.approx(y.std() / x.std())
    with pytest.raises(AlignmentError, match=r"error_ratio=-1; expected 0 or more"):
        joint_line(x, y, -1)


def test_outliers_are_excluded():
    whole, objective = planted(count=300, noise=0.1, seed=5)
    wild = {f"other/{index}.mp4" for index in range(8)}

    def spoilt(video):
        return objective(video) + (50 if video.id in wild else 0)

    fit = fit_inlsa(whole, ids(whole), spoilt)
    assert wild <= set(fit.outliers)
    assert len(fit.outliers) < 25
    kept = fit_inlsa(whole, ids(whole), spoilt, outlier_spreads=None)
    assert kept.outliers == ()
    assert fit.lines["other"][0] == pytest.approx(0.03, rel=0.05)
    assert kept.lines["other"][0] != pytest.approx(0.03, rel=0.3)


def test_inlsa_reduces_a_long_objective_to_components():
    """400 features of 600 videos, each a noisy multiple of the objective."""
    whole, objective = planted()
    gains = np.random.default_rng(1).normal(size=400)

    def features(video):
        rng = np.random.default_rng(abs(hash(video.mos)) % 2**32)
        return gains * objective(video) + rng.normal(0, 0.3, 400)

    fit = fit_inlsa(whole, ids(whole), features)
    assert fit.lines["other"][0] == pytest.approx(0.03, rel=0.05)


@pytest.mark.parametrize("fit", [fit_linear, fit_inlsa])
def test_a_stored_alignment_does_the_same(fit):
    whole, objective = planted(noise=0.5)
    result = fit(whole, ids(whole), objective)
    stored = Alignment(**json.loads(json.dumps(asdict(result))))
    assert aligned(whole, stored) == aligned(whole, result)


@pytest.mark.parametrize("fit", [fit_linear, fit_inlsa])
def test_only_training_videos_are_used(fit):
    whole, objective = planted(noise=0.5)
    train = ids(whole)[::2]
    test = set(ids(whole)) - set(train)
    spoilt = replace(
        whole,
        videos=tuple(
            replace(video, mos=float("nan")) if video.id in test else video
            for video in whole.videos
        ),
    )

    def watched(video):
        assert video.id not in test
        return objective(video)

    assert fit(whole, train, objective) == fit(spoilt, train, watched)
    assert fit(whole, train, objective) != fit(whole, ids(whole), objective)


def test_unaligned_changes_nothing_and_warns_of_several_scales(caplog):
    whole, _ = planted()
    assert aligned(whole, unaligned(whole, ids(whole))) is whole
    assert "youtube_ugc, other, third are on different scales" in caplog.text
    caplog.clear()
    single = database("konvid", [3.0], (1, 5))
    assert aligned(single, unaligned(single, [])) is single
    assert not caplog.text


def test_impossible_fits():
    whole, objective = planted(count=30)
    train = ids(whole)
    with pytest.raises(AlignmentError, match=r"konvid is one database.*alignment=none"):
        fit_linear(database("konvid", [3.0], (1, 5)), [])
    with pytest.raises(AlignmentError, match="'konvid' is not among youtube_ugc, other, third"):
        fit_linear(whole, train, anchor="konvid")
    with pytest.raises(AlignmentError, match="9 training videos of third; expected 10"):
        fit_linear(whole, train[:69])
    with pytest.raises(AlignmentError, match="no objective is given"):
        fit_inlsa(whole, train, None)
    with pytest.raises(AlignmentError, match="other: the objective does not follow the MOS"):
        fit_inlsa(whole, train, lambda v: objective(v) * (-1 if v.group == "other" else 1))
    with pytest.raises(AlignmentError, match=r"of 1 videos is not finite, for example other/3"):
        fit_inlsa(whole, train, lambda v: np.nan if v.id == "other/3.mp4" else objective(v))
    with pytest.raises(AlignmentError, match="the same for all videos"):
        fit_inlsa(whole, train, lambda v: np.zeros(4))
    with pytest.raises(AlignmentError, match="expected one"):
        fit_inlsa(whole, train, lambda v: np.zeros(2 + (v.id == train[0])))
    short = Alignment("linear", "other", (0, 100), {"youtube_ugc": (1, 0), "other": (1, 0)})
    with pytest.raises(AlignmentError, match="no line for third"):
        aligned(whole, short)


@pytest.mark.parametrize(
    "file", sorted((CONF / "alignment").glob("[!_]*.yaml")), ids=lambda file: file.stem
)
def test_every_config_makes_an_alignment(file):
    whole, objective = planted()
    if file.stem == "published":  # it has lines for other sources
        whole = combine([database("konvid", [3.0], (1, 5))])
    fit = instantiate(OmegaConf.load(file))(whole, ids(whole), objective)
    assert fit.kind == file.stem
    assert set(fit.lines) == (set() if file.stem == "none" else set(whole.scales))


def test_inlsa_on_real_databases_with_brisque():
    """The published fit used NIQE, so results agree only roughly."""
    folder = REAL / "brisque"
    if not folder.is_dir():
        pytest.skip("the published label tables and features are not here")
    cards = {
        "konvid": ("KONVID_1K", "mos", (1, 5)),
        "livevqc": ("LIVE_VQC", "MOS", (0, 100)),
        "youtube_ugc": ("YOUTUBE_UGC", "MOSFull", (1, 5)),
    }
    databases, numbers = [], {}
    for name, (stem, column, scale) in cards.items():
        mos = pd.read_csv(REAL / "labels" / f"{stem}_metadata.csv")[column]
        features = scipy.io.loadmat(folder / f"{stem}_BRISQUE_feats.mat")["feats_mat"]
        databases.append(database(name, mos, scale))
        numbers.update({f"{name}/{row}.mp4": vector for row, vector in enumerate(features)})
    whole = combine(databases)
    known = [key for key in ids(whole) if np.isfinite(numbers[key]).all()]
    fit = fit_inlsa(whole, known, lambda video: numbers[video.id])
    reference = published(whole, known)
    assert fit.lines["konvid"] == pytest.approx(reference.lines["konvid"], abs=0.1)
    assert fit.lines["livevqc"][0] == pytest.approx(reference.lines["livevqc"][0], rel=0.3)
    middle = {"konvid": 3.0295, "livevqc": 63.291}
    for source, mos in middle.items():
        ours, theirs = (np.polyval(card.lines[source], mos) for card in (fit, reference))
        assert ours == pytest.approx(theirs, abs=0.25)
