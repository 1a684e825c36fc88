"""Studies as their YAML files state them, and what is refused."""

import pytest

from vqa.commands.configuration import UsageError
from vqa.commands.study.definition import names, parse, read

TABLE = {
    "title": "Some table",
    "metrics": ["srocc", "plcc_raw"],
    "columns": ["a", {"name": "b", "test": ["data=b"]}],
    "rows": [{"name": "ours", "printed": [0.1, 0.2, None, 0.4], "printed_deviation": [1, 2, 3, 4]}],
}


@pytest.mark.parametrize("name", names())
def test_every_study_reads_and_names_its_source_and_command(name):
    study = read(name)
    assert study.title
    assert f"vqa study {name}" in names()[name].read_text()
    if any(row.printed for row in study.rows):
        assert study.source


def test_the_printed_number_of_each_cell():
    study = parse("mine", TABLE)
    found = {
        (column.name, metric): study.printed_of(block, row, column, metric)
        for block, row, column, metric in study.cells()
    }
    assert found == {
        ("a", "srocc"): [0.1, 1],
        ("a", "plcc_raw"): [0.2, 2],
        ("b", "srocc"): [None, 3],
        ("b", "plcc_raw"): [0.4, 4],
    }


def test_rows_with_metrics_of_their_own_and_blocks():
    study = parse(
        "mine",
        {
            "title": "t",
            "blocks": [{"name": "x"}, {"name": "y"}],
            "columns": ["a"],
            "rows": [
                {"name": "S", "metric": "srocc", "printed": {"x": [0.5]}},
                {"name": "P", "metric": "plcc"},
            ],
        },
    )
    cells = [(block.name, row.name, metric) for block, row, _, metric in study.cells()]
    assert cells == [
        ("x", "S", "srocc"),
        ("x", "P", "plcc"),
        ("y", "S", "srocc"),
        ("y", "P", "plcc"),
    ]
    first = next(iter(study.cells()))
    assert study.printed_of(*first) == [0.5, None]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"title": ""}, "expected a mapping with a title"),
        ({"colums": []}, "found colums"),
        ({"rows": []}, "expected rows and columns, or a figure"),
        ({"columns": []}, "expected columns"),
        ({"metrics": ["sroc"]}, "metric sroc: expected one of srocc"),
        ({"metrics": []}, "expected metrics"),
        ({"aggregate": "max"}, "aggregate=max: expected median or mean"),
        ({"deviation": "n"}, "deviation=n: expected sample"),
        ({"rows": ["ours", "ours"]}, "expected different names"),
        ({"rows": [{"nam": "ours"}]}, "with a name"),
        ({"rows": [{"name": "ours", "tests": []}]}, "found tests"),
        ({"rows": [{"name": "ours", "printed": [1]}]}, "expected 4 numbers, found 1"),
        ({"columns": ["a", {"name": "m", "average": ["z"]}], "rows": ["r"]}, "there is no z"),
        ({"columns": ["a", {"name": "m", "minus": ["a"]}], "rows": ["r"]}, "minus with two names"),
        ({"rows": [{"name": "r", "part": "train"}]}, "expected part test or val"),
        ({"rows": [{"name": "r", "average": ["r"], "weights": "n"}]}, "weights equal or videos"),
    ],
)
def test_what_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        parse("mine", TABLE | change)


def test_a_study_of_ones_own_and_wrong_names(tmp_path):
    own = tmp_path / "mine.yaml"
    own.write_text("title: mine\nmetrics: [srocc]\ncolumns: [a]\nrows: [b]\n")
    assert read(str(own)).name == "mine"
    with pytest.raises(UsageError, match="gstvqa/table2"):
        read("gstvqa/tabel2")
    own.write_text("title: [")
    with pytest.raises(UsageError, match=r"mine\.yaml: "):
        read(str(own))
    own.write_text("title: t\nrows: 3\ncolumns: [a]\nmetrics: [srocc]")
    with pytest.raises(UsageError, match=r"mine\.yaml: "):
        read(str(own))
    with pytest.raises(UsageError, match="expected a YAML file"):
        read(str(tmp_path / "absent.yaml"))
