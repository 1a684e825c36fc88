"""Nothing that vqa reads can run code: no pickles, no unsafe YAML, anywhere in the source."""

import ast

import pytest

from tests.places import ROOT

MODULES = sorted((ROOT / "vqa").rglob("*.py"))
# Ways to load that unpickle or execute, whatever their arguments are.
NEVER = (
    "pickle.load", "pickle.loads", "pickle.Unpickler", "joblib.load", "dill.load",
    "pandas.read_pickle", "pd.read_pickle", "pd.eval", "torch.jit.load", "torch.hub.load",
    "yaml.unsafe_load", "yaml.full_load", "marshal.loads", "shelve.open", "eval", "exec",
    "os.system", "os.popen",
)  # fmt: skip
# Ways that are safe with this argument only.
SAFE_WITH = {
    "torch.load": ("weights_only", True),
    "trainer.fit": ("weights_only", True),
    "published.get_state_dict": ("weights_only", True),
}


def calls(tree):
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_reads_data_as_data(path):
    for call in calls(ast.parse(path.read_text(encoding="utf-8"))):
        name = ast.unparse(call.func)
        given = {word.arg: ast.unparse(word.value) for word in call.keywords}
        assert name not in NEVER, name
        assert given.get("allow_pickle", "False") == "False", name
        assert given.get("shell", "False") == "False", name
        if name in SAFE_WITH:
            key, value = SAFE_WITH[name]
            assert given.get(key) == str(value), name
        if name == "yaml.load":
            assert ast.unparse(call.args[1]) == "_PlainLoader"


def test_what_must_be_safe_is_found():
    """The names above are those that the source uses."""
    names = {
        ast.unparse(call.func)
        for path in MODULES
        for call in calls(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert {*SAFE_WITH, "yaml.load", "yaml.safe_load"} <= names
