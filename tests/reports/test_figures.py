"""The content of the figures, read from matplotlib's own objects."""

import numpy as np
import pandas as pd
import pytest

from tests import run_folders
from vqa.evaluation.metrics import fit_logistic
from vqa.evaluation.summary import summarise
from vqa.reports import figures
from vqa.reports.svg import to_svg


@pytest.fixture(scope="module")
def table():
    return run_folders.predictions(splits=2)


def dots(figure):
    return np.asarray(figure.axes[0].collections[-1].get_offsets())


def test_scatter_has_all_predictions_and_a_curve_for_each_split(table):
    figure = figures.scatter(table)
    assert dots(figure) == pytest.approx(table[["score", "mos"]].to_numpy())
    curves = figure.axes[0].lines
    assert len(curves) == 2
    first = table[table["split"] == "split-0"]
    x, y = curves[0].get_data()
    assert y == pytest.approx(fit_logistic(first["score"], first["mos"])(x))
    assert (x.min(), x.max()) == (first["score"].min(), first["score"].max())


@pytest.mark.parametrize("over", ["mapped", "mos"])
def test_residuals_are_the_errors_after_the_curve_of_each_split(table, over):
    mapped = figures.mapped_scores(table)
    for name, part in table.groupby("split"):
        curve = fit_logistic(part["score"], part["mos"])
        assert mapped[part.index].to_numpy() == pytest.approx(curve(part["score"])), name
    along = table["mos"] if over == "mos" else mapped
    drawn = dots(figures.residuals(table, over))
    assert drawn == pytest.approx(np.column_stack([along, mapped - table["mos"]]))


def test_residuals_over_something_else_are_refused(table):
    with pytest.raises(ValueError, match="over='score': expected one of mos, mapped"):
        figures.residuals(table, "score")


def test_a_split_without_curve_has_only_dots(table):
    constant = table.assign(score=table["score"].where(table["split"] == "split-0", 3.0))
    assert len(figures.scatter(constant).axes[0].lines) == 1
    assert len(dots(figures.residuals(constant))) == 48
    assert figures.mapped_scores(constant).isna().sum() == 48


def test_a_crowd_is_thinned_evenly(table):
    shown = figures.thinned(table, 10)
    assert len(shown) == 10
    assert shown.index[0] == 0
    assert shown.index[-1] == len(table) - 1
    assert len(dots(figures.scatter(table, most=10))) == 10
    assert len(figures.thinned(table)) == len(table)


def test_learning_curves_put_the_parts_of_a_quantity_together():
    history = pd.DataFrame(
        {
            "epoch": [0, 1, 2],
            "train_loss": [3.0, 2.0, 1.0],
            "val_loss": [3.0, np.nan, 2.0],
            "val_srocc": [np.nan] * 3,
            "critic_loss": [0.1, 0.2, 0.3],
            "note": ["a", "b", "c"],
        }
    )
    curves = figures.learning_curves({"one": history, "two": history.drop(columns="val_loss")})
    assert list(curves) == ["loss", "critic_loss"]
    lines = [line for line in curves["loss"].axes[0].lines if len(line.get_xdata())]
    assert len(lines) == 3
    blank_left_out = lines[2].get_data()
    assert blank_left_out[0] == pytest.approx([0, 2])
    assert blank_left_out[1] == pytest.approx([3, 2])
    legend = [text.get_text() for text in curves["loss"].axes[0].get_legend().get_texts()]
    assert legend == ["train_loss", "val_loss"]
    assert figures.learning_curves({}) == {}


def test_split_intervals_survive_undefined_splits(table):
    constant = table.assign(score=table["score"].where(table["split"] == "split-0", 3.0))
    results = summarise(constant, resamples=50)
    figure = figures.split_intervals(results)
    first, value = figure.axes[0].lines[:2]
    assert tuple(first.get_xdata()) == results.splits["split-0"].interval("srocc")
    assert list(value.get_xdata()) == [results.splits["split-0"].value("srocc")]
    assert "split-1" in to_svg(figure)


def test_timeline_shows_the_whole_scale_and_all_three_lines():
    figure = figures.timeline([0, 0.5, 1], [2, np.nan, 5.5], 3.0, 4.0, (1, 5))
    axes = figure.axes[0]
    assert [line.get_label() for line in axes.lines] == ["MOS", "score", "frame quality"]
    low, high = axes.get_ylim()
    assert low < 1
    assert high > 5.5


def test_names_with_dollars_are_no_mathematics(table):
    results = summarise(table.replace({"split-0": "$\\bad$"}), resamples=10)
    assert "$\\bad$" in to_svg(figures.split_intervals(results))


def test_ranking_draws_each_model_in_the_order_given():
    def summary(value, low, high):
        return {"median": {"srocc": value}, "interval": {"srocc": [low, high]}}

    summaries = {"good": summary(0.9, 0.8, 0.95), "unknown": summary(None, None, None)}
    axes = figures.ranking(summaries, "srocc", 0.9).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["good", "unknown"]
    assert list(axes.lines[0].get_xdata()) == [0.8, 0.95]
    assert list(axes.lines[1].get_xdata()) == [0.9]
    assert axes.get_xlabel() == "SROCC with 90 % interval"
