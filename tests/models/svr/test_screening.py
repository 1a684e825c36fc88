import numpy as np
import pytest
from sklearn.svm import SVR

from tests.models.svr.planted import inner_split, planted
from vqa.models.svr import fit_svr, search
from vqa.models.svr.kernels import gaussian
from vqa.models.svr.screening import Point, screen


def problem(gamma, rows=90, dim=5, seed=0):
    """Return a Gaussian kernel with repeated rows, and targets of standard deviation 0.7."""
    rng = np.random.default_rng(seed)
    features = rng.random((rows, dim))
    features[: rows // 6] = features[-(rows // 6) :]
    target = np.sin(6 * features[:, 0]) + features[:, 1] + rng.normal(0, 0.2, rows)
    squares = ((features[:, None] - features) ** 2).sum(axis=2)
    return gaussian(squares, gamma), 0.7 * target / target.std() + 3


PROBLEMS = [
    {"C": C, "gamma": gamma, "epsilon": epsilon}
    for C in (0.5, 16.0, 1000.0)
    for gamma in (0.01, 0.5, 8.0)
    for epsilon in (0.0, 0.1)
]


def narrowed(kernel, target, C, epsilon, last):
    """Solve with edges of width `last`, starting from solutions with wider edges."""
    point = None
    for width in last * 2.0 ** np.arange(np.ceil(np.log2(0.1 / last)), -1, -1):
        point = screen(kernel, target, C, epsilon, width=width, start=point)
    return point


def objective(kernel, target, C, epsilon, coefficients, intercept):
    residual = target - kernel @ coefficients - intercept
    beyond = np.maximum(np.abs(residual) - epsilon, 0)
    return coefficients @ kernel @ coefficients / 2 + C * beyond.sum()


def tight(kernel, target, C, epsilon):
    """Fit libsvm with a tolerance of 1e-8."""
    return SVR(kernel="precomputed", C=C, epsilon=epsilon, tol=1e-8).fit(kernel, target)


@pytest.mark.parametrize(("epsilon", "width"), [(0.0, 4e-5), (0.1, 1e-4)])
@pytest.mark.parametrize(("C", "gamma"), [(0.5, 0.5), (0.5, 8.0), (16.0, 0.01), (16.0, 0.5)])
def test_narrow_edges_give_the_scores_of_libsvm(C, gamma, epsilon, width):
    kernel, target = problem(gamma)
    point = narrowed(kernel, target, C, epsilon, width)
    expected = tight(kernel, target, C, epsilon).predict(kernel)
    np.testing.assert_allclose(point.response + point.intercept, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("width", [0.1, 0.05])
@pytest.mark.parametrize("given", PROBLEMS, ids=str)
def test_the_objective_is_as_close_to_the_minimum_as_the_edges_allow(given, width):
    """A soft edge changes the loss of a row by at most width / 8, or width / 2 at epsilon 0."""
    kernel, target = problem(given["gamma"])
    C, epsilon = given["C"], given["epsilon"]
    point = narrowed(kernel, target, C, epsilon, width)
    libsvm = tight(kernel, target, C, epsilon)
    coefficients = np.zeros_like(target)
    coefficients[libsvm.support_] = libsvm.dual_coef_[0]
    args = kernel, target, C, epsilon
    lowest = objective(*args, coefficients, libsvm.intercept_[0])
    ours = objective(*args, point.coefficients, point.intercept)
    allowed = C * len(target) * width * (1 / 8 if epsilon else 1 / 2)
    assert -1e-4 * lowest <= ours - lowest <= allowed


@pytest.mark.parametrize("width", [0.1, 0.05])
@pytest.mark.parametrize("given", PROBLEMS, ids=str)
def test_optimality_conditions_hold_for_every_row(given, width):
    """The conditions of the exact regression hold to about half the width of the edges."""
    kernel, target = problem(given["gamma"])
    C, epsilon = given["C"], given["epsilon"]
    point = narrowed(kernel, target, C, epsilon, width)
    np.testing.assert_allclose(kernel @ point.coefficients, point.response, atol=1e-8 * C)
    assert point.coefficients.sum() == pytest.approx(0, abs=1e-8 * C)
    # At epsilon 0 the whole edge lies on one side of the tube's corner.
    slack = width * (0.52 if epsilon else 1.02)
    for row, coefficient in enumerate(point.coefficients):
        residual = target[row] - kernel[row] @ point.coefficients - point.intercept
        if coefficient == 0:
            assert abs(residual) <= epsilon + slack
        elif abs(coefficient) == C:
            assert residual * np.sign(coefficient) >= epsilon - slack
        else:
            assert abs(coefficient) < C * 1.05
            assert abs(residual * np.sign(coefficient) - epsilon) <= slack


def test_warm_and_cold_starts_agree():
    kernel, target = problem(0.5)
    cold = screen(kernel, target, 32, 0.1, width=0.05)
    lower = screen(kernel, target, 2, 0.1, width=0.05)
    warm = screen(kernel, target, 32, 0.1, width=0.05, start=lower)
    np.testing.assert_allclose(warm.coefficients, cold.coefficients, atol=0.02)
    np.testing.assert_allclose(
        warm.response + warm.intercept, cold.response + cold.intercept, atol=2e-3
    )


def test_screening_returns_none_if_it_cannot_solve():
    kernel, target = problem(0.5)
    inside = np.full_like(target, 3.0)
    assert screen(kernel, inside, 1, 0.1, width=0.05) is None
    assert screen(-kernel, target, 1, 0.1, width=1e-3) is None


GRID = {"C": [2.0**power for power in range(1, 9)], "gamma": [0.03, 0.2, 1.0]}


def fitted(seed=0, workers=1, **options):
    features, mos = planted(300, dim=6, seed=seed)
    return fit_svr(
        features, mos, *inner_split(300, seed), **(GRID | {"workers": workers} | options)
    )


def without_screening(monkeypatch, **options):
    with monkeypatch.context() as patch:
        patch.setattr(search, "PATIENCE", np.inf)
        return fitted(**options)


def values(regression):
    return np.array([candidate.value for candidate in regression.candidates])


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"criterion": "r2"},
        {"scaler": "standard", "scale_target": True, "epsilon": 0},
        {"kernel": "linear", "C": [2.0**power for power in range(0, 13, 2)]},
    ],
    ids=str,
)
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.exhaustive)])
def test_the_choice_equals_that_of_libsvm_without_screening(monkeypatch, seed, options):
    points = []

    def recorded(*args, **given):
        points.append(screen(*args, **given))
        return points[-1]

    full = without_screening(monkeypatch, seed=seed, **options)
    monkeypatch.setattr(search, "screen", recorded)
    quick = fitted(seed=seed, **options)
    assert points
    assert None not in points
    assert (quick.C, quick.gamma) == (full.C, full.gamma)
    np.testing.assert_array_equal(quick.coefficients, full.coefficients)
    spread = np.ptp(values(full))
    np.testing.assert_allclose(values(quick), values(full), rtol=0.01, atol=0.1 * spread)
    chosen = [
        search.best_of(one.candidates, options.get("criterion", "logistic_rmse"))
        for one in (quick, full)
    ]
    assert chosen[0] == chosen[1]


@pytest.mark.parametrize("factor", [0.8, 1.2])
def test_a_misleading_screen_does_not_change_the_choice(monkeypatch, solved_c, factor):
    """Shrunk or stretched scores only make libsvm solve more candidates."""

    def misleading(*args, **options):
        point = screen(*args, **options)
        return Point(factor * point.coefficients, factor * point.response, point.intercept)

    fitted(criterion="r2")
    honest = len(solved_c)
    full = without_screening(monkeypatch, criterion="r2")
    monkeypatch.setattr(search, "screen", misleading)
    solved_c.clear()
    quick = fitted(criterion="r2")
    assert (quick.C, quick.gamma) == (full.C, full.gamma)
    assert len(solved_c) > honest


def test_libsvm_skips_most_slow_candidates(solved_c):
    fitted()
    assert sum(c >= 64 for c in solved_c) < 6


def test_libsvm_solves_if_screening_fails(monkeypatch):
    monkeypatch.setattr(search, "screen", lambda *args, **options: None)
    assert fitted().candidates == without_screening(monkeypatch).candidates


def test_screened_values_do_not_depend_on_threads():
    one, three = fitted(workers=1), fitted(workers=3)
    assert one.candidates == three.candidates
    np.testing.assert_array_equal(one.coefficients, three.coefficients)


def test_few_rows_are_never_screened(monkeypatch):
    monkeypatch.delattr(search, "screen")
    features, mos = planted(150)
    fit_svr(features, mos, *inner_split(150), C=[16, 1024], gamma=[0.01, 0.1])
