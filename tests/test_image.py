"""The recipe of the image names files that exist, the tested versions and the tested Python."""

import re

from tests.places import ROOT

RECIPE = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"), flags=re.M)
STEPS = [line.split(None, 1) for line in RECIPE.replace("\\\n", " ").splitlines() if line.strip()]


def named(word):
    return [rest for step, rest in STEPS if step == word]


def test_what_is_copied_exists_and_reaches_the_build():
    kept = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert kept[0] == "*"
    copied = [name for rest in named("COPY") for name in rest.split()[:-1]]
    assert {"pyproject.toml", "vqa", "conf"} <= {*copied}
    for name in copied:
        assert (ROOT / name).exists(), name
        assert f"!{name.split('/')[0]}" in kept, name


def test_python_and_packages_are_those_of_the_tests():
    tested = re.search(r"Python (3\.\d+)", (ROOT / "constraints.txt").read_text(encoding="utf-8"))
    assert named("FROM") == [f"python:{tested[1]}-slim"]
    downloads = [line for rest in named("RUN") for line in re.findall(r"pip install [^;]*", rest)]
    assert len(downloads) == 3
    for line in downloads:
        assert "--constraint constraints.txt" in line or "--no-deps" in line, line


def test_no_address_of_an_index_is_built_in():
    assert named("ARG") == ['TORCH_INDEX=""', "COMMIT=unknown"]
    assert "://" not in RECIPE


def test_homes_and_caches_are_writable_for_any_user():
    (made,) = re.findall(r"mkdir --mode 1777 (.+)", "\n".join(named("RUN")))
    (set_,) = (rest for rest in named("ENV") if "HOME=/" in rest)
    for name, value in re.findall(r"(\w+)=(/\S+)", set_):
        assert any(value.startswith(folder) for folder in made.split()), name
    assert named("WORKDIR")[-1] in made.split()
    assert named("USER") not in ([], ["root"], ["0"])
