"""The command, from its configuration to its exit status."""

import json
import math
import os
from pathlib import Path

import pytest

from tests.clips import cut, write_clip
from tests.commands.calling import Failed, composed, run
from tests.places import SHARED
from vqa.commands import configuration
from vqa.commands.doctor import installation
from vqa.commands.doctor.checkup import as_text, write
from vqa.commands.doctor.command import check

CLIPS = SHARED / "konvid-clips"


def config(*overrides):
    return composed("doctor", *overrides)


@pytest.fixture
def own(tmp_path):
    """Own data of three videos: one whole, one cut short, one absent; and a file without label."""
    place = tmp_path / "own"
    place.mkdir()
    write_clip(place / "a.mp4", 10, size=(64, 48))
    cut(write_clip(place / "b.mp4", 40, size=(64, 48), muxer_options={"movflags": "faststart"}))
    write_clip(place / "stranger.mp4", 11, size=(64, 48))
    rows = "video,mos,width,height\na.mp4,3,64,48\nb.mp4,2,64,48\nc.mp4,4,64,48\n"
    (place / "labels.csv").write_text(rows)
    return place


def overrides(place):
    return ["data=csv", f"data.labels={place / 'labels.csv'}", "data.mos_range=[1,5]"]


def kinds(checkup):
    return {(finding.kind, finding.video) for finding in checkup.findings}


def test_own_data(own, tmp_path):
    checkup = check(config(*overrides(own)), tmp_path / "j.jsonl")
    assert kinds(checkup) == {("missing", "c.mp4"), ("unreadable", "b.mp4"), ("extra", None)}
    assert checkup.faults == ["missing", "unreadable"]
    assert checkup.usable == ["a.mp4"]
    skipping = check(config(*overrides(own), "data.missing=skip"), tmp_path / "j.jsonl")
    assert skipping.faults == ["unreadable"]


def test_a_whole_database_in_another_folder(own, tmp_path):
    (own / "elsewhere").mkdir()
    for name in ("a.mp4", "b.mp4"):
        (own / name).rename(own / "elsewhere" / name)
    checkup = check(config(*overrides(own)), tmp_path / "j.jsonl")
    assert checkup.usable == []
    assert checkup.verdict.startswith("0 of 3 usable: none of the labelled files is there")
    assert kinds(checkup) == {
        ("renamed", "a.mp4"), ("renamed", "b.mp4"), ("missing", "c.mp4"), ("extra", None),
    }  # fmt: skip


def test_labels_outside_the_scale_are_a_finding_and_no_error(own, tmp_path):
    (own / "labels.csv").write_text("video,mos\na.mp4,7\nstranger.mp4,2\n")
    checkup = check(config(*overrides(own)), tmp_path / "j.jsonl")
    assert ("mos", "a.mp4") in kinds(checkup)
    assert checkup.usable == ["stranger.mp4"]


def test_against_another_database(own, tmp_path):
    (own / "other.csv").write_text("video,mos\na.mp4,3\nstranger.mp4,2\n")
    other = ["data=csv", f"data.labels={own / 'other.csv'}", "data.name=other"]
    path = write(check(config(*other), tmp_path / "other.jsonl"), tmp_path / "other.json")
    checkup = check(config(*overrides(own)), tmp_path / "j.jsonl", against=[str(path)])
    (shared,) = [finding for finding in checkup.findings if finding.kind == "shared"]
    assert (shared.video, shared.text) == ("a.mp4", "the same file as other: a.mp4")


def test_fresh_forgets_the_journal(own, tmp_path):
    journal = tmp_path / "j.jsonl"
    check(config(*overrides(own)), journal)
    lines = journal.read_bytes().splitlines()
    check(config(*overrides(own)), journal)
    assert journal.read_bytes().splitlines() == lines
    journal.write_bytes(journal.read_bytes() * 2)
    check(config(*overrides(own)), journal, fresh=True)
    assert journal.read_bytes().splitlines() == lines


def test_several_databases_are_refused():
    with pytest.raises(ValueError, match=r"data=combined is several databases; check one at"):
        check(config("data=combined"), Path("unused"))


def test_every_single_database_composes():
    names = set(configuration.choices("data")) - {"combined"}
    assert len(names) >= 6
    for name in names:
        data = config(f"data={name}").config["data"]
        assert {"name", "root", "missing", "reader"} <= set(data), name


def test_real_clips(tmp_path):
    if not CLIPS.is_dir():
        pytest.skip("the real KoNViD-1k clips are not here")
    checkup = check(config("data=konvid", f"data.root={CLIPS}"), tmp_path / "j.jsonl")
    assert {kind for kind, _ in kinds(checkup)} == {"missing"}
    assert len(checkup.findings) == 1192
    assert len(checkup.usable) == len(checkup.facts) == 8
    assert {(fact.width, fact.height) for fact in checkup.facts.values()} == {(960, 540)}
    assert {fact.frames for fact in checkup.facts.values()} == {192, 200, 240}


def test_command_line(own, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    labels = ["--labels", own / "labels.csv"]
    with pytest.raises(Failed) as failure:
        run("doctor", "csv", *labels, "data.mos_range=[1,5]")
    assert failure.value.status == 1
    assert "error:" not in str(failure.value)
    printed = capsys.readouterr().out
    assert "FAULT  unreadable" in printed
    assert "b.mp4: cut short" in printed
    assert "1 of 3 usable" in printed
    content = json.loads((tmp_path / "doctor-csv.json").read_text())
    assert content["usable"] == 1
    assert len((tmp_path / "doctor-csv.journal.jsonl").read_text().splitlines()) == 2
    (own / "labels.csv").write_text("video,mos\na.mp4,3\nstranger.mp4,2\n")
    run("doctor", "data=csv", *labels, "--output", tmp_path / "deep" / "x.json")
    assert "2 of 2 usable" in capsys.readouterr().out
    assert (tmp_path / "deep" / "x.json").is_file()
    with pytest.raises(Failed, match=r"^error: csv: the label table nowhere\.csv") as failure:
        run("doctor", "csv", "--labels", "nowhere.csv")
    assert failure.value.status == 2


def test_paths_with_any_letters_are_taken_literally(own, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    place = tmp_path / "odd = [#] '质量' {x}, y"
    own.rename(place)
    with pytest.raises(Failed) as failure:
        run("doctor", "csv", "--labels", place / "labels.csv")
    assert failure.value.status == 1
    content = json.loads((tmp_path / "doctor-csv.json").read_text())
    assert content["videos"]["a.mp4"]["path"] == str(place / "a.mp4")


def test_what_cannot_be_written_is_said_before_any_work(own, tmp_path, monkeypatch):
    def worked(*_, **__):
        raise AssertionError("the survey began")

    monkeypatch.setattr("vqa.commands.doctor.command.survey", worked)
    (tmp_path / "file").touch()
    (tmp_path / "folder.json").mkdir()
    os.mkfifo(tmp_path / "pipe.json")
    for name, cause in (
        ("out.xlsx", "expected a file whose name ends in .json"),
        ("folder.json", "expected a file, found a folder; name a file in it"),
        ("pipe.json", "expected a file whose name ends in .json"),
        ("file/x.json", "expected a folder that can be written to"),
        ("x" * 300 + ".json", "file name too long"),
    ):
        with pytest.raises(Failed, match=f"^error: .*{name.split('/')[0]}.*{cause}") as failure:
            run("doctor", "csv", "--labels", own / "labels.csv", "--output", tmp_path / name)
        assert failure.value.status == 2
        assert str(failure.value).count("\n") == 1


def test_a_journal_that_is_no_file(own, tmp_path):
    words = ["doctor", "csv", "--labels", own / "labels.csv", "--output", tmp_path / "x.json"]
    journal = tmp_path / "x.journal.jsonl"
    for make, remove in ((os.mkdir, os.rmdir), (os.mkfifo, os.unlink)):
        make(journal)
        with pytest.raises(
            Failed, match=r"^error: the journal .* cannot be used \(not a"
        ) as failure:
            run(*words)
        assert failure.value.status == 2
        remove(journal)


def test_a_folder_with_odd_files(own, tmp_path):
    (own / os.fsdecode(b"caf\xe9.mp4")).write_bytes(b"x")
    os.mkfifo(own / "pipe.mp4")
    (own / "self").symlink_to(".")
    rows = "video,mos\na.mp4,3\npipe.mp4,2\n"
    (own / "labels.csv").write_text(rows)
    checkup = check(config(*overrides(own)), tmp_path / "j.jsonl")
    assert ("unreadable", "pipe.mp4") in kinds(checkup)
    assert [finding.kind for finding in checkup.findings].count("extra") == 3
    assert checkup.passed_over["file(s) without a video suffix"] == 1
    assert "passed over 1 file without a video suffix" in as_text(checkup)
    content = json.loads(write(checkup, tmp_path / "x.json").read_text())
    assert f"{own}/caf\\xe9.mp4" in {finding["file"] for finding in content["findings"]}


def test_without_a_database_the_installation_is_checked(capsys):
    run("doctor")
    printed = capsys.readouterr().out
    assert "the installation is complete" in printed
    assert "8 of 8 frames" in printed
    assert "names of files     in UTF-8" in printed
    assert printed.count("GiB free") >= 4
    assert "FAULT" not in printed


def test_processes_that_cannot_share_semaphores(monkeypatch, capsys):
    def refuse(count):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("multiprocessing.Semaphore", refuse)
    with pytest.raises(Failed):
        run("doctor")
    [fault] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("FAULT")]
    assert "cannot share semaphores: [Errno 13] Permission denied; let everybody write" in fault


def test_places_and_settings_that_would_stop_a_training(tmp_path, monkeypatch, capsys):
    (tmp_path / "cache").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.getfilesystemencoding", lambda: "ascii")
    monkeypatch.setattr(installation, "SHARED_MEMORY", tmp_path)
    monkeypatch.setattr(installation, "LEAST_SHARED_BYTES", math.inf)
    with pytest.raises(Failed) as failure:
        run("doctor")
    assert failure.value.status == 1
    faults = [line for line in capsys.readouterr().out.splitlines() if line.startswith("FAULT")]
    assert [line.split("  ")[1] for line in faults] == [
        "names of files",
        "folders",
        "shared memory",
    ]
    for line, remedy in zip(
        faults, ("LC_ALL=C.UTF-8", "choose another", "--shm-size"), strict=True
    ):
        assert remedy in line
