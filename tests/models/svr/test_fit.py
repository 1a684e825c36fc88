import numpy as np
import pytest
from sklearn.metrics import r2_score
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVR

from tests.models.svr.planted import inner_split, planted
from vqa.models.svr import fit_svr
from vqa.models.svr.criteria import logistic_rmse

SCALERS = {"minmax": MinMaxScaler, "standard": StandardScaler}
GRID = {"C": [0.5, 4.0, 64.0], "gamma": [0.03, 0.5, 2.0]}
# Scores differ from scikit-learn's by floating-point rounding only: both take the same iterations,
# but the inner products come from other BLAS routines. The linear kernel with C=64 takes 460,000
# iterations, which carry a relative change of 2**-52 in the products on to 1e-9 in the scores
# (measured with random changes, and with OpenBLAS's Haswell, SkylakeX, Nehalem and Katmai kernels).
ROUNDING = {"rbf": 1e-10, "linear": 1e-8}


def literal(features, mos, train, val, *, kernel, scaler, scale_target, criterion):
    """Search with scikit-learn only; return values by C and gamma, the best predictor, its key."""

    def fitted(rows, c, gamma):
        columns = SCALERS[scaler]().fit(features[rows])
        level = StandardScaler().fit(mos[rows, None])
        target = level.transform(mos[rows, None])[:, 0] if scale_target else mos[rows]
        model = SVR(kernel=kernel, C=c, gamma=gamma)
        model.fit(columns.transform(features[rows]), target)

        def predict(some):
            score = model.predict(columns.transform(some))
            return level.inverse_transform(score[:, None])[:, 0] if scale_target else score

        return predict

    values = {}
    for c in GRID["C"]:
        for gamma in GRID["gamma"] if kernel == "rbf" else ["scale"]:
            score = fitted(train, c, gamma)(features[val])
            judged = logistic_rmse if criterion == "logistic_rmse" else r2_score
            values[c, gamma] = (
                judged(score, mos[val]) if judged is logistic_rmse else judged(mos[val], score)
            )
    best = (min if criterion == "logistic_rmse" else max)(values, key=values.get)
    return values, fitted(np.arange(len(mos)), *best), best


@pytest.mark.parametrize("kernel", ["rbf", "linear"])
@pytest.mark.parametrize("scaler", list(SCALERS))
@pytest.mark.parametrize("scale_target", [False, True])
@pytest.mark.parametrize("criterion", ["logistic_rmse", "r2"])
def test_search_and_fit_match_a_scikit_learn_loop(kernel, scaler, scale_target, criterion):
    features, mos = planted(100)
    parts = inner_split(80)
    options = {"kernel": kernel, "scaler": scaler} | {
        "scale_target": scale_target,
        "criterion": criterion,
    }
    values, predict, best = literal(features[:80], mos[:80], *parts, **options)
    ours = fit_svr(features[:80], mos[:80], *parts, **GRID, **options)
    assert [(one.C, one.gamma or "scale") for one in ours.candidates] == list(values)
    found = [one.value for one in ours.candidates]
    # If no coefficient reaches C, we reuse the solution of a lower C, which differs from
    # scikit-learn's within the solver's tolerance of 1e-3.
    np.testing.assert_allclose(found, list(values.values()), rtol=1e-6)
    assert (ours.C, ours.gamma or "scale") == best
    np.testing.assert_allclose(
        ours.predict(features), predict(features), rtol=0, atol=ROUNDING[kernel]
    )


@pytest.mark.parametrize("kernel", ["rbf", "linear"])
def test_a_single_candidate_needs_no_inner_split(kernel):
    features, mos = planted()
    ours = fit_svr(features, mos, kernel=kernel, C=1, gamma="scale", epsilon=0.3, scaler="standard")
    plain = StandardScaler().fit_transform(features)
    expected = SVR(kernel=kernel, C=1, gamma="scale", epsilon=0.3).fit(plain, mos).predict(plain)
    np.testing.assert_allclose(ours.predict(features), expected, rtol=0, atol=1e-10)
    assert ours.candidates == ()


def test_gamma_scale_is_recomputed_for_the_final_fit():
    features, mos = planted()
    train, val = inner_split(60)
    ours = fit_svr(features, mos, train, val, C=[1, 2], gamma="scale")

    def by_scale(rows):
        return 1 / (features.shape[1] * MinMaxScaler().fit_transform(features[rows]).var())

    assert [one.gamma for one in ours.candidates] == pytest.approx([by_scale(train)] * 2)
    assert ours.gamma == pytest.approx(by_scale(np.arange(60)))


def test_the_first_candidate_wins_a_tie():
    """If all MOS lie inside the tube there are no support vectors and all candidates agree."""
    features, _ = planted()
    mos = 3 + 0.01 * np.sin(np.arange(60))
    ours = fit_svr(features, mos, *inner_split(60), C=[8, 2, 4], gamma=[1, 0.5])
    assert [(one.C, one.gamma) for one in ours.candidates] == [
        (8, 1), (8, 0.5), (2, 1), (2, 0.5), (4, 1), (4, 0.5),
    ]  # fmt: skip
    assert len({one.value for one in ours.candidates}) == 1
    assert (ours.C, ours.gamma) == (8, 1)
    assert len(ours.support) == 0
    np.testing.assert_array_equal(ours.predict(features), np.full(60, ours.intercept))


def test_a_solution_below_its_bound_is_reused_for_higher_C(solved_c):
    features, mos = planted()
    unsorted = [1e9, 1e-3, 1e6, 1e3]
    ours = fit_svr(features, mos, *inner_split(60), C=unsorted, gamma=[2.0, 4.0], workers=1)
    assert solved_c == [1e-3, 1e3] * 2
    values = {(one.C, one.gamma): one.value for one in ours.candidates}
    assert all(values[1e3, gamma] == values[1e9, gamma] for gamma in (2.0, 4.0))
    assert all(values[1e-3, gamma] != values[1e9, gamma] for gamma in (2.0, 4.0))


def test_candidates_depend_on_the_inner_split_only():
    """Features and MOS of rows in neither inner part change the final fit, not the grid."""
    features, mos = planted()
    train, val = np.arange(30), np.arange(30, 45)
    before = fit_svr(features, mos, train, val, **GRID)
    features[45:] += 100
    mos[45:] += 1
    after = fit_svr(features, mos, train, val, **GRID)
    assert after.candidates == before.candidates
    assert not np.array_equal(after.predict(features), before.predict(features))


def test_scaling_ignores_the_inner_validation_part():
    features, mos = planted()
    train, val = np.arange(40), np.arange(40, 60)
    ours = fit_svr(features, mos, train, val, C=2, gamma=[0.1, 0.2])
    scaler = MinMaxScaler().fit(features[train])
    model = SVR(C=2, gamma=0.1).fit(scaler.transform(features[train]), mos[train])
    score = model.predict(scaler.transform(features[val]))
    assert ours.candidates[0].value == pytest.approx(logistic_rmse(score, mos[val]), rel=1e-6)


def test_results_do_not_depend_on_threads():
    features, mos = planted()
    one, three = (fit_svr(features, mos, *inner_split(60), workers=w) for w in (1, 3))
    assert one.candidates == three.candidates
    np.testing.assert_array_equal(one.predict(features), three.predict(features))


def test_float32_features_score_like_the_same_values_in_float64():
    features, mos = planted()
    narrow = features.astype(np.float32)
    ours = fit_svr(narrow, mos, *inner_split(60), **GRID)
    wide = fit_svr(narrow.astype(float), mos, *inner_split(60), **GRID)
    assert ours.support.dtype == np.float32
    np.testing.assert_allclose(ours.predict(narrow), wide.predict(narrow), rtol=1e-12)


def test_missing_values_give_finite_scores():
    features, mos = planted()
    features[3, 2], features[50, 1], features[:, 5] = np.nan, np.inf, np.nan
    for impute in ("zero", "mean"):
        ours = fit_svr(features, mos, *inner_split(60), **GRID, impute=impute)
        assert np.isfinite(ours.predict(features)).all()
        assert np.isfinite(ours.predict(np.full((1, 8), np.nan))).all()


def test_very_few_videos_can_be_fitted():
    features, mos = planted(5)
    ours = fit_svr(features, mos, [0, 1, 2], [3, 4], **GRID)
    assert len(ours.candidates) == 9
    assert np.isfinite(ours.predict(features)).all()
    one = fit_svr(features[:1], mos[:1], C=1, gamma="scale")
    assert one.predict(features) == pytest.approx(mos[0])


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"kernel": "poly"}, "kernel='poly': expected rbf or linear"),
        ({"criterion": "srocc"}, "criterion='srocc': expected logistic_rmse or r2"),
        ({"epsilon": -1}, "epsilon=-1: expected 0 or more"),
        ({"epsilon": np.nan}, "epsilon=nan: expected 0 or more"),
        ({"workers": 0}, "workers=0: expected 1 or more"),
        ({"C": []}, r"C=\[\]: expected one or several numbers above 0"),
        ({"C": [1, -2]}, "expected one or several numbers above 0"),
        ({"C": [np.inf]}, "expected one or several numbers above 0"),
        ({"gamma": "auto"}, "gamma='auto': expected one or several numbers above 0 or scale"),
        ({"mos": np.ones(59)}, r"found \(60, 8\) and \(59,\)"),
        ({"mos": np.full(60, np.nan)}, "60 of 60 MOS are not finite"),
        ({"features": np.ones((60, 0))}, r"expected features \(N, D\)"),
        ({"inner_val": None}, "needs an inner split"),
        ({"inner_train": []}, "inner_train has 0 rows and inner_val 15, 0 of them repeated"),
        (
            {"inner_train": [0, 1, 1], "inner_val": [1, 2]},
            "inner_train has 3 rows and inner_val 2, 2 of them repeated",
        ),
        ({"inner_train": [0, 60], "inner_val": [1]}, "inner rows 0 to 60: expected 0 to 59"),
        ({"inner_train": [0, -1], "inner_val": [1]}, "inner rows -1 to 1: expected 0 to 59"),
    ],
)
def test_invalid_input_is_refused(change, text):
    features, mos = planted()
    train, val = inner_split(60)
    given = {"features": features, "mos": mos, "inner_train": train, "inner_val": val} | GRID
    with pytest.raises(ValueError, match=text):
        fit_svr(**(given | change))
