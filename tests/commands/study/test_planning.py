"""The trainings and tests that the cells of a study need."""

import pytest

from vqa.commands.configuration import UsageError
from vqa.commands.study.composing import Composer, merged, smoke_settings
from vqa.commands.study.definition import names, parse, read
from vqa.commands.study.estimating import described
from vqa.commands.study.planning import Plan


@pytest.fixture(scope="module")
def composer(tmp_path_factory):
    """One for all studies, which share many of their trainings; it composes each once."""
    return Composer([f"paths.data={tmp_path_factory.mktemp('absent')}"])


def plan(composer, **content):
    content = {"title": "t", "metrics": ["srocc"], "rows": ["r"], "columns": ["c"]} | content
    return Plan(parse("mine", content), composer, check_databases=False)


def test_the_last_override_of_a_key_stays():
    assert merged(["model=svr", "+a.b=1"], ["model=vsfa"], ["a.b=2"]) == ["model=vsfa", "a.b=2"]


def test_table_2_takes_four_trainings_and_twelve_tests(composer):
    found = Plan(read("gstvqa/table2"), composer, check_databases=False)
    assert len(found.trainings) == 4
    assert len(found.tests) == 12
    empty = {(one.row.name, one.column.name) for one in found.cells if one.empty}
    assert empty == {(one, one) for one in ("KoNViD-1k", "LIVE-Qualcomm", "LIVE-VQC", "CVD2014")}
    average = next(one for one in found.cells if one.column.name == "average")
    assert [round(part.weight, 3) for part in average.terms] == [0.333] * 3


def test_tables_share_trainings_and_what_is_told_at_test_time_makes_no_other(composer):
    folders = {
        name: {
            one.folder
            for one in Plan(read(f"gstvqa/{name}"), composer, check_databases=False).trainings
        }
        for name in ("table2", "table3", "table4")
    }
    assert folders["table2"] == folders["table3"] == folders["table4"]
    fourth = Plan(read("gstvqa/table4"), composer, check_databases=False)
    assert len(fourth.tests) == 120
    # A test setting among the overrides of a training moves to the test.
    moved = plan(
        composer,
        overrides=["model=gstvqa", "data=demo"],
        rows=["r", {"name": "f", "train": ["model.network.score=frame"]}],
    )
    assert len(moved.trainings) == 1
    assert [one.settings for one in moved.tests] == [{}, {"model.network.score": "frame"}]


def test_the_folder_is_that_of_vqa_train(composer):
    from tests.commands.calling import composed

    found = plan(composer, overrides=["model=vsfa", "data=demo", "features=multiscale"])
    words = ("model=vsfa", "data=demo", "features=multiscale", *composer.given)
    assert found.trainings[0].folder == composed("train", *words).folder


def test_a_training_that_another_needs_comes_first_and_is_made_once(composer):
    found = Plan(read("clifvqa/table2"), composer, check_databases=False)
    order = [one.name for one in found.trainings]
    assert order[0] == "lsvq_spatial"
    assert len(order) == 8
    assert order.count("lsvq") == 1
    first, second, *_ = found.trainings
    assert second.experiment.config["init_from"] == str(first.folder)
    with pytest.raises(UsageError, match="need each other"):
        plan(
            composer,
            trainings={"a": ["init_from={b}"], "b": ["init_from={a}"]},
            overrides=["init_from={a}"],
        )


def test_groups_of_sizes_parts_and_differences(composer):
    found = plan(
        composer,
        overrides=["model=svr", "data=demo", "features=multiscale"],
        columns=[
            {"name": "small", "sizes": ["64x48"]},
            {"name": "val", "part": "val"},
            {"name": "less", "minus": ["small", "val"]},
        ],
    )
    terms = {one.column.name: one.terms for one in found.cells}
    assert terms["small"][0].sizes == ["64x48"]
    assert [(one.weight, one.part, one.sizes) for one in terms["less"]] == [
        (1.0, "test", ["64x48"]),
        (-1.0, "val", []),
    ]


def test_tests_refuse_what_needs_another_training(composer):
    with pytest.raises(UsageError, match=r"model.network.pyramid=false.*test_settings"):
        plan(
            composer,
            overrides=["model=gstvqa"],
            rows=[{"name": "r", "test": ["model.network.pyramid=false"]}],
        )


def test_absent_databases_are_told_from_present_ones(composer):
    found = Plan(read("gram/table3"), composer)
    assert all("is absent" in one.absent for one in (*found.trainings, *found.tests))
    text = described(found)
    assert "left empty: tid2013 is absent" in text
    assert "3 trainings, 2 tests, 4 cells" in text


@pytest.mark.parametrize("name", names())
def test_every_study_has_a_plan_with_the_papers_databases(name, composer):
    """All overrides compose in the paper's size, and the estimate names hours."""
    found = Plan(read(name), composer)
    text = described(found)
    assert "h of training" in text
    assert len(found.trainings) == len({one.folder for one in found.trainings})


def test_roots_of_databases_and_smoke(tmp_path):
    composer = Composer(roots={"konvid": str(tmp_path / "Ko")})
    assert composer("data=konvid").config["data"]["root"] == str(tmp_path / "Ko")
    tiny = Composer(smoke=smoke_settings())
    config = tiny("data=konvid", "model=vsfa", "features=resnet18").config
    assert config["data"]["name"] == "demo"
    assert config["features"]["resnet18"]["weights"] == "random"
    assert config["trainer"]["max_epochs"] == 2
