"""Text is read and written in UTF-8 whatever the locale is: every call says so.

Ruff's PLW1514 sees only calls on paths whose type it can infer; this test looks at all of them.
"""

import ast

import pytest

from tests.places import ROOT

FOLDERS = ("vqa", "benchmarks", "notebooks")
FILES = sorted({*ROOT.glob("*.py"), *(f for d in FOLDERS for f in (ROOT / d).rglob("*.py"))})
# The position of the encoding among the arguments of these methods.
TEXT = {"read_text": 0, "write_text": 1}


def unspecified(source):
    """Lines of the calls that take the encoding of the locale."""
    found = []
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call):
            continue
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        given = {keyword.arg for keyword in call.keywords} & {"encoding", None}
        if name in TEXT and not given and len(call.args) <= TEXT[name]:
            found.append(call.lineno)
        if name in ("open", "fdopen", "TextIOWrapper") and not given and not _binary(call):
            found.append(call.lineno)
        if name in ("run", "Popen", "check_output") and not given:
            found += [call.lineno] * any(
                k.arg in ("text", "universal_newlines") for k in call.keywords
            )
    return found


def _binary(call):
    """Whether an `open` names a mode with b, or opens something else than a file."""
    words = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg == "mode")]
    modes = [word.value for word in words if isinstance(getattr(word, "value", None), str)]
    owner = getattr(getattr(call.func, "value", None), "id", "")
    others = ("av", "os", "tarfile", "Image", "RELEASE", "RELEASE_1080P", "photograph")
    return owner in others or any(set(mode) <= set("rwab+x") and "b" in mode for mode in modes)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_text_file_has_an_encoding(path):
    assert unspecified(path.read_text(encoding="utf-8")) == []


def test_the_test_sees_what_it_looks_for():
    wrong = "p.read_text()\np.write_text(t)\nopen(p)\np.open('w')\nrun(c, text=True)\np.open()\n"
    assert unspecified(wrong) == [1, 2, 3, 4, 5, 6]
    right = (
        "p.read_text(encoding='utf-8')\np.write_text(t, 'utf-8')\nopen(p, 'rb')\np.open('wb')\n"
        "run(c, text=True, encoding='utf-8')\nav.open(p)\nos.open(p, 0)\n"
    )
    assert unspecified(right) == []
