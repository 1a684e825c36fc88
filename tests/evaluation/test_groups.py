"""Groups of videos and the metrics of each."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from vqa.evaluation import groups
from vqa.evaluation.groups import assign_groups, group_tables, natural, read_groups
from vqa.reports.colouring import choices, classes, rules


def facts(**columns):
    names = [f"v{number}" for number in range(len(next(iter(columns.values()))))]
    return pd.DataFrame(columns, index=pd.Index(names, name="video"))


def predictions(names, splits=1, seed=0):
    rng = np.random.default_rng(seed)
    mos = rng.uniform(1, 5, len(names))
    return pd.DataFrame(
        [
            (f"split-{split}", name, value, value + rng.normal(0.3, 0.5))
            for split in range(splits)
            for name, value in zip(names, mos, strict=True)
        ],
        columns=["split", "video", "mos", "score"],
    )


def test_resolution_is_the_usual_height_nearest_to_the_shorter_side():
    sizes = [(1920, 1080), (1080, 1920), (404, 720), (1280, 720), (960, 544), (1920, 1088)]
    widths, heights = zip(*sizes, strict=True)
    found = assign_groups(facts(width=widths, height=heights))["resolution"]
    assert list(found) == ["1080p", "1080p", "360p", "720p", "540p", "1080p"]


def test_a_height_alone_is_enough_and_nothing_is_unknown():
    found = assign_groups(facts(width=["", "", ""], height=["480", "", "0"]))["resolution"]
    assert list(found) == ["480p", "unknown", "unknown"]


def test_rates_and_durations_are_rounded_to_the_usual():
    table = facts(
        frame_rate_hz=[29.97, 23.976, 60.0, 25.0],
        frames=[300, 240, np.nan, 250],
        duration_s=[np.nan, np.nan, 5.1, 14.9],
    )
    found = assign_groups(table)
    assert list(found["frame_rate"]) == ["30 Hz", "24 Hz", "60 Hz", "25 Hz"]
    assert list(found["duration"]) == ["10 s", "10 s", "5 s", "15 s"]


def test_what_is_the_same_for_all_is_no_grouping():
    table = facts(height=[720, 720], group=["a", "b"], content=["", ""])
    assert list(assign_groups(table)) == ["group"]


def test_values_are_those_of_scipy_on_each_group():
    names = [f"v{number}" for number in range(40)]
    table = predictions(names)
    kinds = pd.DataFrame({"group": ["odd", "even"] * 20}, index=names)
    (found,) = group_tables(table, kinds)
    assert [row["group"] for row in found["rows"]] == ["even", "odd"]
    part = table[table["video"].isin(names[::2])]
    row = found["rows"][1]
    assert row["n"] == 20
    assert not row["few"]
    assert row["srocc"] == pytest.approx(stats.spearmanr(part["mos"], part["score"]).statistic)
    assert row["plcc_raw"] == pytest.approx(stats.pearsonr(part["mos"], part["score"]).statistic)
    error = part["score"] - part["mos"]
    assert row["rmse_raw"] == pytest.approx(np.sqrt((error**2).mean()))
    assert row["bias"] == pytest.approx(error.mean())


def test_several_splits_are_averaged_and_not_pooled():
    names = [f"v{number}" for number in range(12)]
    table = predictions(names, splits=3)
    kinds = pd.DataFrame({"group": ["a"] * 6 + ["b"] * 6}, index=names)
    row = group_tables(table, kinds)[0]["rows"][0]
    parts = [part.head(6) for _, part in table.groupby("split")]
    each = [stats.spearmanr(part["mos"], part["score"]).statistic for part in parts]
    assert row["srocc"] == pytest.approx(np.mean(each))
    assert (row["n"], row["per_split"], row["few"]) == (6, 6, True)


def test_two_videos_have_no_correlation_but_a_bias(caplog):
    table = predictions([f"v{number}" for number in range(6)])
    kinds = pd.DataFrame({"group": list("aabbbb")}, index=sorted(table["video"]))
    small, large = group_tables(table, kinds)[0]["rows"]
    assert np.isnan(small["srocc"])
    assert np.isnan(small["plcc_raw"])
    assert np.isfinite([small["rmse_raw"], small["bias"], large["srocc"]]).all()
    assert not caplog.text


def test_groups_of_one_video_each_make_no_table():
    names = [f"v{number}" for number in range(6)]
    kinds = pd.DataFrame({"content": names}, index=names)
    assert group_tables(predictions(names), kinds) == []


def test_only_the_largest_groups_are_listed(monkeypatch):
    monkeypatch.setattr(groups, "MOST_GROUPS", 2)
    names = [f"v{number}" for number in range(9)]
    kinds = pd.DataFrame({"content": list("aabbbcccc")}, index=names)
    (found,) = group_tables(predictions(names), kinds)
    assert [row["group"] for row in found["rows"]] == ["b", "c"]
    assert found["left_out"] == 1


def test_join_is_by_name_and_strangers_are_unknown():
    table = predictions(["x", "b", "a", "c", "d", "e", "f"])
    kinds = pd.DataFrame({"group": list("pppqqq")}, index=list("fedcba"))
    (found,) = group_tables(table, kinds)
    assert [(row["group"], row["n"]) for row in found["rows"]] == [
        ("p", 3), ("q", 3), ("unknown", 1),
    ]  # fmt: skip


def test_order_is_by_number_then_name_and_unknown_comes_last():
    names = ["unknown", "noise", "1080p", "360p", "blur", "29.97 Hz"]
    ordered = ["29.97 Hz", "360p", "1080p", "blur", "noise", "unknown"]
    assert sorted(names, key=natural) == ordered


def test_tables_are_read_with_gaps_or_refused_with_a_reason(tmp_path):
    path = tmp_path / "videos.csv"
    assert read_groups(path).empty
    path.write_text("video,height,group\n001,720,NA\n002,,blur\n002,1080,other\n")
    found = read_groups(path)
    assert list(found.index) == ["001", "002"]
    assert list(found["group"]) == ["NA", "blur"]
    assert list(found["resolution"]) == ["720p", "unknown"]
    path.write_text("name,height\na,720\n")
    with pytest.raises(ValueError, match=r"videos\.csv: no column video; found name, height"):
        read_groups(path)


def test_few_groups_become_colours_and_many_do_not():
    names = [f"v{number}" for number in range(8)]
    table = predictions(names)
    kinds = pd.DataFrame({"group": list("abababab"), "content": names}, index=names)
    kinds.loc["v7", "group"] = "unknown"
    found = choices(table, kinds)
    assert [(choice.by, list(choice.groups)) for choice in found] == [
        ("group", ["a", "b", "unknown"])
    ]
    assert classes(table.head(2), found, kinds) == ["group-0", "group-1"]
    assert classes(table.head(2), [], kinds) == ["", ""]
    css = rules(found)
    assert "use.group-1 { fill: var(--group-1) !important; }" in css
    assert "use.group-2 { fill: var(--muted) !important; }" in css
