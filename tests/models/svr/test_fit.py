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


def literal(features, mos, train, val, *, kernel, scaler, scale_target, criterion):
    """Each candidate by scikit-learn alone: values, C by C, and the regression of the best."""

    def fitted(rows, price, width):
        columns = SCALERS[scaler]().fit(features[rows])
        level = StandardScaler().fit(mos[rows, None])
        target = level.transform(mos[rows, None])[:, 0] if scale_target else mos[rows]
        model = SVR(kernel=kernel, C=price, gamma=width)
        model.fit(columns.transform(features[rows]), target)

        def predict(some):
            score = model.predict(columns.transform(some))
            return level.inverse_transform(score[:, None])[:, 0] if scale_target else score

        return predict

    values = {}
    for price in GRID["C"]:
        for width in GRID["gamma"] if kernel == "rbf" else ["scale"]:
            score = fitted(train, price, width)(features[val])
            judged = logistic_rmse if criterion == "logistic_rmse" else r2_score
            values[price, width] = (
                judged(score, mos[val]) if judged is logistic_rmse else judged(mos[val], score)
            )
    best = (min if criterion == "logistic_rmse" else max)(values, key=values.get)
    return values, fitted(np.arange(len(mos)), *best), best


@pytest.mark.parametrize("kernel", ["rbf", "linear"])
@pytest.mark.parametrize("scaler", list(SCALERS))
@pytest.mark.parametrize("scale_target", [False, True])
@pytest.mark.parametrize("criterion", ["logistic_rmse", "r2"])
def test_grid_and_fit_are_those_of_a_plain_loop(kernel, scaler, scale_target, criterion):
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
    # Where a bound is not met, the solver's tolerance of 1e-3 is all that parts the solutions.
    np.testing.assert_allclose(found, list(values.values()), rtol=1e-6)
    assert (ours.C, ours.gamma or "scale") == best
    np.testing.assert_allclose(ours.predict(features), predict(features), rtol=0, atol=1e-10)


@pytest.mark.parametrize("kernel", ["rbf", "linear"])
def test_without_a_grid_no_inner_split_is_needed(kernel):
    features, mos = planted()
    ours = fit_svr(features, mos, kernel=kernel, C=1, gamma="scale", epsilon=0.3, scaler="standard")
    plain = StandardScaler().fit_transform(features)
    expected = SVR(kernel=kernel, C=1, gamma="scale", epsilon=0.3).fit(plain, mos).predict(plain)
    np.testing.assert_allclose(ours.predict(features), expected, rtol=0, atol=1e-10)
    assert ours.candidates == ()


def test_gamma_by_word_in_a_grid_is_that_of_the_inner_part_and_then_of_all():
    features, mos = planted()
    train, val = inner_split(60)
    ours = fit_svr(features, mos, train, val, C=[1, 2], gamma="scale")

    def by_scale(rows):
        return 1 / (features.shape[1] * MinMaxScaler().fit_transform(features[rows]).var())

    assert [one.gamma for one in ours.candidates] == pytest.approx([by_scale(train)] * 2)
    assert ours.gamma == pytest.approx(by_scale(np.arange(60)))


def test_ties_take_the_first_in_the_order_of_C_then_gamma():
    """MOS inside the tube leave no support vectors: every candidate predicts the same."""
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


def test_solutions_that_meet_no_bound_are_not_solved_again(asked):
    features, mos = planted()
    prices = [1e9, 1e-3, 1e6, 1e3]
    ours = fit_svr(features, mos, *inner_split(60), C=prices, gamma=[2.0, 4.0], workers=1)
    assert asked == [1e-3, 1e3] * 2
    values = {(one.C, one.gamma): one.value for one in ours.candidates}
    assert all(values[1e3, width] == values[1e9, width] for width in (2.0, 4.0))
    assert all(values[1e-3, width] != values[1e9, width] for width in (2.0, 4.0))


def test_nothing_outside_the_inner_training_part_reaches_the_candidates():
    """Features and MOS of rows in neither part change the fit, not the grid."""
    features, mos = planted()
    train, val = np.arange(30), np.arange(30, 45)
    before = fit_svr(features, mos, train, val, **GRID)
    features[45:] += 100
    mos[45:] += 1
    after = fit_svr(features, mos, train, val, **GRID)
    assert after.candidates == before.candidates
    assert not np.array_equal(after.predict(features), before.predict(features))


def test_judged_videos_do_not_scale_the_candidates():
    features, mos = planted()
    train, val = np.arange(40), np.arange(40, 60)
    ours = fit_svr(features, mos, train, val, C=2, gamma=[0.1, 0.2])
    scaler = MinMaxScaler().fit(features[train])
    model = SVR(C=2, gamma=0.1).fit(scaler.transform(features[train]), mos[train])
    score = model.predict(scaler.transform(features[val]))
    assert ours.candidates[0].value == pytest.approx(logistic_rmse(score, mos[val]), rel=1e-6)


def test_threads_change_nothing():
    features, mos = planted()
    one, three = (fit_svr(features, mos, *inner_split(60), workers=w) for w in (1, 3))
    assert one.candidates == three.candidates
    np.testing.assert_array_equal(one.predict(features), three.predict(features))


def test_single_precision_features_give_the_same_scores_as_their_values_in_double():
    features, mos = planted()
    narrow = features.astype(np.float32)
    ours = fit_svr(narrow, mos, *inner_split(60), **GRID)
    wide = fit_svr(narrow.astype(float), mos, *inner_split(60), **GRID)
    assert ours.support.dtype == np.float32
    np.testing.assert_allclose(ours.predict(narrow), wide.predict(narrow), rtol=1e-12)


def test_gaps_and_infinities_are_no_obstacle():
    features, mos = planted()
    features[3, 2], features[50, 1], features[:, 5] = np.nan, np.inf, np.nan
    for impute in ("zero", "mean"):
        ours = fit_svr(features, mos, *inner_split(60), **GRID, impute=impute)
        assert np.isfinite(ours.predict(features)).all()
        assert np.isfinite(ours.predict(np.full((1, 8), np.nan))).all()


def test_a_handful_of_videos():
    features, mos = planted(5)
    ours = fit_svr(features, mos, [0, 1, 2], [3, 4], **GRID)
    assert len(ours.candidates) == 9
    assert np.isfinite(ours.predict(features)).all()
    one = fit_svr(features[:1], mos[:1], C=1, gamma="scale")
    assert one.predict(features) == pytest.approx(mos[0])


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"kernel": "poly"}, "kernel='poly' is not known; expected rbf, linear"),
        ({"criterion": "srocc"}, "criterion='srocc' is not known; expected logistic_rmse, r2"),
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
        ({"inner_train": []}, "0 and 15 rows, 0 of them twice"),
        ({"inner_train": [0, 1, 1], "inner_val": [1, 2]}, "3 and 2 rows, 2 of them twice"),
        ({"inner_train": [0, 60], "inner_val": [1]}, "inner rows 0 to 60: expected 0 to 59"),
        ({"inner_train": [0, -1], "inner_val": [1]}, "inner rows -1 to 1: expected 0 to 59"),
    ],
)
def test_bad_input(change, text):
    features, mos = planted()
    train, val = inner_split(60)
    given = {"features": features, "mos": mos, "inner_train": train, "inner_val": val} | GRID
    with pytest.raises(ValueError, match=text):
        fit_svr(**(given | change))
