"""The heat map of a matrix: colours, text and gaps."""

import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb

from tests.reports import page_folders
from vqa.files import read_json
from vqa.reports import figures
from vqa.reports.figures.heat import COLOURS, DARKEST, LIGHTEST, readable_on, share


@pytest.fixture(scope="module")
def matrix(tmp_path_factory):
    folder = page_folders.matrix(tmp_path_factory.mktemp("matrix") / "demo")
    return read_json(folder / "matrix.json")


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def test_every_cell_has_value_interval_and_number_of_videos(matrix):
    found = texts(figures.heat_map(matrix, "srocc"))
    assert found[:6] == [
        "0.790", "0.740 to 0.840", "n 240, by protocol", "0.710", "0.660 to 0.760", "n 1200",
    ]  # fmt: skip
    assert found.count("not computed") == 1
    assert found.count("undefined") == 1
    assert len(found) == 3 * 7 + 2


def test_rows_are_trained_on_and_columns_tested_on(matrix):
    axes = figures.heat_map(matrix, "srocc").axes[0]
    where = {text.get_text(): text.get_position() for text in axes.texts}
    assert where["0.710"] == (1.5, pytest.approx(0.32))
    assert where["0.680"] == (0.5, pytest.approx(1.32))
    assert axes.get_ylim() == (3, 0)


def test_a_metric_that_no_cell_has_is_undefined_everywhere(matrix):
    assert texts(figures.heat_map(matrix, "krocc")).count("undefined") == 8


def test_dark_is_good():
    values = [0.2, 0.9, np.nan]
    assert share(0.25, values, "srocc") == pytest.approx(0.25)
    assert share(-0.3, values, "plcc") == 0
    assert share(0.2, values, "rmse") == 1
    assert share(0.9, values, "rmse_raw") == 0
    assert share(0.55, values, "pwrc") == pytest.approx(0.5)
    assert share(3.0, [3.0], "rmse") == 0.5


def test_letters_have_contrast_on_every_colour():
    def luminance(colour):
        parts = [
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)
        ]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    for depth in np.linspace(LIGHTEST, DARKEST, 60):
        colour = to_hex(COLOURS(depth))
        pair = sorted([luminance(colour), luminance(readable_on(colour))])
        assert (pair[1] + 0.05) / (pair[0] + 0.05) >= 4.5
