"""The examples in docstrings: they run as printed, from an empty namespace."""

import doctest
import importlib
import re
from functools import cache

import pytest

from tests.doc_pages import DOCS
from tests.places import ROOT

LONGEST = 8  # lines


def name_of(path):
    """`vqa/video/__init__.py` -> `vqa.video`."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


# Only modules with a prompt in their text are imported; `find` then asks doctest.
MODULES = sorted(
    name_of(path)
    for path in (ROOT / "vqa").rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)


@cache
def find(module):
    """The docstrings of a module that have examples. They see no names that they do not import."""
    found = doctest.DocTestFinder(exclude_empty=True).find(
        importlib.import_module(module), globs={}
    )
    return [test for test in found if test.examples]


def rooms():
    """Packages of `vqa` that the API reference names."""
    pages = sorted((DOCS / "reference" / "api").glob("*.md"))
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    names = re.findall(r"(?:^::: |`)(vqa\.\w+)", text, re.MULTILINE)
    return sorted({name for name in names if (ROOT / name.replace(".", "/")).is_dir()})


@pytest.mark.parametrize("module", MODULES)
def test_examples_run(module):
    assert find(module), "the text of the module has a prompt, but doctest finds no example"
    for test in find(module):
        report = []
        doctest.DocTestRunner().run(test, out=report.append)
        assert not report, "".join(report)


@pytest.mark.parametrize("module", MODULES)
def test_examples_are_short(module):
    for test in find(module):
        lines = sum(len((example.source + example.want).splitlines()) for example in test.examples)
        assert lines <= LONGEST, f"{test.name}: {lines} lines"


def test_there_are_examples():
    assert sum(len(find(module)) for module in MODULES) >= 20


def test_every_room_of_the_reference_has_an_example():
    assert len(rooms()) >= 9
    bare = [
        room for room in rooms() if not any(f"{name}.".startswith(f"{room}.") for name in MODULES)
    ]
    assert bare == []
