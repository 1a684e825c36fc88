"""Coverage and false alarms on simulated data sets of known truth, seeds 0, 1, 2, ...

`benchmarks/simulations.py` prints the same on more data sets.
"""

import pytest

from benchmarks import simulations

pytestmark = pytest.mark.slow


# Shares of 2000 data sets have a standard error of 0.5 %, of 1000 0.7 %, of 500 1 %, of 250 1.4 %.
@pytest.mark.parametrize(
    ("videos", "names", "datasets"),
    [
        (117, ("srocc", "plcc_raw"), 250),
        pytest.param(117, ("srocc", "krocc", "plcc_raw"), 1000, marks=pytest.mark.exhaustive),
        pytest.param(240, ("srocc", "krocc", "plcc_raw"), 2000, marks=pytest.mark.exhaustive),
        (117, ("rmse",), 250),
        pytest.param(240, ("rmse",), 500, marks=pytest.mark.exhaustive),
    ],
)
def test_intervals_hold_the_truth_as_often_as_they_say(videos, names, datasets):
    found = simulations.coverage(videos, datasets, names)["BCa"]
    assert all(0.93 <= share <= 0.97 for share in found.values()), found


def test_intervals_of_the_median_over_splits_hold_its_expectation():
    # Percentiles are a little too wide here, BCa is far too narrow.
    found = simulations.splits_coverage(150, "median")
    assert 0.93 <= found["percentile"] <= 0.985, found
    assert found["BCa"] < found["percentile"]


@pytest.mark.parametrize(
    ("alarm", "options", "datasets"),
    [
        (simulations.paired_alarm, {}, 200),
        pytest.param(simulations.paired_alarm, {}, 800, marks=pytest.mark.exhaustive),
        pytest.param(
            simulations.paired_alarm, {"metric": "rmse"}, 400, marks=pytest.mark.exhaustive
        ),
        pytest.param(simulations.corrected_t_alarm, {}, 800, marks=pytest.mark.exhaustive),
        (simulations.fisher_alarm, {}, 1000),
        (simulations.fisher_alarm, {"kind": "spearman"}, 1000),
        pytest.param(simulations.f_alarm, {}, 400, marks=pytest.mark.exhaustive),
    ],
)
def test_false_alarms_are_as_rare_as_they_say(alarm, options, datasets):
    share = simulations.false_alarms(alarm, datasets, **options)
    assert 0.03 <= share <= 0.07, share


@pytest.mark.exhaustive
def test_false_alarms_over_splits_are_no_more_frequent_than_they_say():
    # A little rarer: 3.5 % of 2000.
    assert 0.01 <= simulations.false_alarms(simulations.splits_alarm, 250) <= 0.06


def test_the_ordinary_t_test_on_overlapping_splits_alarms_far_too_often():
    assert simulations.false_alarms(simulations.plain_t_alarm, 200) > 0.15
