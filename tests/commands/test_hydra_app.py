"""Hydra's flags: what its parser would answer with a page and an exit is one line."""

import pytest

from tests.commands.calling import Failed, run


@pytest.mark.parametrize("verb", ["train", "evaluate", "cross", "extract"])
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--nosuch"], "unrecognized arguments: --nosuch"),
        (["seed=1", "-x"], "unrecognized arguments: -x"),
        (["--cfg"], "expected one argument"),
        (["--cfg", "nosuch"], r"invalid choice: 'nosuch' \(choose from 'job'"),
        (["--config-dir"], "expected one argument"),
    ],
)
def test_wrong_flags_are_one_line(verb, words, message):
    with pytest.raises(Failed, match=f"^error: .*{message}.*; vqa {verb} --help") as failure:
        run(verb, *words)
    assert failure.value.status == 2
    assert str(failure.value).count("\n") == 1
