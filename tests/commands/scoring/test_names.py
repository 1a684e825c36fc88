"""Names of a job: any bytes come back."""

import os
from pathlib import Path

from vqa.commands.scoring.names import NameList
from vqa.databases.unrated import Named


def test_names_come_back_whatever_they_are():
    """More than a block of them, with odd bytes, and causes."""
    named = [Named(Path(f"/v/{'x' * (number % 90)}{number}.mp4")) for number in range(2000)]
    named += [Named(Path(os.fsdecode(b"/v/caf\xe9\n.mp4"))), Named(Path("/v/gone"), "no such file")]
    found = NameList(named)
    assert (len(found), found.files, found.causes) == (2002, 2001, [])
    assert list(found) == named
    assert list(found) == named


def test_causes_are_kept_while_there_is_no_file():
    found = NameList([Named(Path("/a"), "one"), Named(Path("/b"), "two")])
    assert (found.files, found.causes) == (0, ["one", "two"])
