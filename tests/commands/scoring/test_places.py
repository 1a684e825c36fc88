"""Places of rows by hashes of names."""

import random

from vqa.commands.scoring import places as module
from vqa.commands.scoring.journal import Journal, Row
from vqa.commands.scoring.places import Places
from vqa.files import content_hash


def test_the_last_place_of_a_name_comes_first():
    names = [f"clip {k % 70}.mp4" for k in range(200)] + ["one.mp4"]
    known, expected = Places(), {}
    random.Random(0).shuffle(names)
    for place, name in enumerate(names):
        known.add(name, 10 * place)
        expected.setdefault(name, []).insert(0, 10 * place)
        if place == 90:  # also between two rows
            assert list(known.find(name)) == expected[name]
    assert {name: list(known.find(name)) for name in expected} == expected
    assert list(known.find("absent.mp4")) == []
    once, several = known.groups()
    assert sorted([*once[:, None].tolist(), *several]) == sorted(expected.values())
    assert [list(found) for found in Places().groups()] == [[], []]
    assert list(Places().find("a")) == []


def test_names_of_one_hash_are_told_apart(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_hash", lambda name: 7)
    journal = Journal(tmp_path / "p", "job")
    for name, score in (("a.mp4", 1), ("b.mp4", 2), ("a.mp4", 3)):
        path = tmp_path / name
        path.write_text(name, encoding="utf-8")
        entry = {"video": str(path), "score": score, "error": "", "source": content_hash(path)}
        journal.add(Row(str(path), entry))
    journal.close(done=False)
    again = Journal(tmp_path / "p", "job")
    scores = {row.path: row.entry["score"] for row in again.kept()}
    assert scores == {str(tmp_path / "a.mp4"): 3, str(tmp_path / "b.mp4"): 2}
    assert again.entry(again.reusable(str(tmp_path / "b.mp4")))["score"] == 2
    assert again.entry(again.reusable(str(tmp_path / "a.mp4")))["score"] == 3
    assert again.reusable(str(tmp_path / "c.mp4")) is None
    again.close(done=True)
