"""The documentation: commands that work, links that lead somewhere, examples that run."""

import ast
import importlib
import importlib.util
import re
import shlex
import subprocess
import sys
from functools import cache
from importlib.util import find_spec

import numpy as np
import pytest
import yaml

import vqa
from tests.doc_pages import (
    DOCS,
    INLINE,
    OWN_CODE,
    PAGES,
    blocks,
    commands,
    page_name,
    prose,
    vqa_words,
)
from tests.places import ROOT
from vqa import cli
from vqa.commands import configuration, overrides
from vqa.commands.doctor.findings import KINDS
from vqa.commands.evaluate import own_settings
from vqa.databases.synthesis.encoding import write_h264

SITE_PACKAGES = ("mkdocs", "material", "mkdocstrings", "mkdocstrings_handlers")
LINK = re.compile(r"(?<!`)\[[^\]]*\]\(([^)\s]+)\)")
SETTING = re.compile(r"[a-z_]+(\.[A-Za-z_0-9]+)*=[^=\s]+")

every_page = pytest.mark.parametrize("page", PAGES, ids=page_name)


def compose(words, config_dir):
    """Compose a command with Hydra overrides; the first value stands for a sweep."""
    verb, *arguments = words
    if "--help" in arguments:
        return
    settings = [word for word in arguments if "=" in word]
    if "-m" in arguments:
        settings = [word if "[" in word else word.partition(",")[0] for word in settings]
    if find_spec("optuna") is None:  # the optional package that these are for
        settings = [one for one in settings if not one.startswith(("hparams_search=", "hydra.sw"))]
    settings = overrides.checked(settings)
    own = str(config_dir) if "--config-dir" in arguments else None
    composed = configuration.compose(verb, settings, own)
    (own_settings if verb == "evaluate" else configuration.resolved)(composed)


@pytest.fixture(scope="module")
def own_code(tmp_path_factory):
    """The files of the page on your own code."""
    folder = tmp_path_factory.mktemp("own")
    for title, text in blocks(OWN_CODE, "python", "yaml"):
        if title:
            path = folder / title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    (folder / "my_vqa" / "__init__.py").touch()
    return folder


@every_page
def test_commands_are_valid(page, own_code, capsys):
    wrong = []
    for words in commands(page):
        if words[0] == "python" and words[1].endswith(".py") and not (ROOT / words[1]).is_file():
            wrong.append(f"{words[1]}: no such script")
        found = vqa_words(words)
        if not found:
            continue
        try:
            if found[0] in cli.HYDRA_VERBS:
                compose(found, own_code / "my_conf")
            else:
                cli.parser().parse_args(found)
        except (SystemExit, ValueError) as error:
            printed = capsys.readouterr().err
            if getattr(error, "code", 1):
                wrong.append(f"{shlex.join(words)}: {printed or error}")
    assert wrong == []


def test_there_are_commands_of_every_verb():
    found = [vqa_words(words) for page in PAGES for words in commands(page)]
    verbs = {words[0] for words in found if words}
    assert verbs >= set(cli.flags()) - {"completion"}
    assert sum(bool(words) for words in found) > 80


@cache
def known_keys():
    """Dotted names of all settings that some choice offers."""
    keys = set()

    def collect(tree, prefix=""):
        for key, value in tree.items():
            name = f"{prefix}{key}"
            keys.add(name)
            if isinstance(value, dict):
                collect(value, f"{name}.")

    from omegaconf import OmegaConf

    lists = {
        **{verb: [[]] for verb in ("evaluate", "extract")},
        "cross": [["train=[demo]", "test=[demo]"]],
        "train": [
            [f"{group}={name}"]
            for group in (*configuration.GROUPS[:5], "trainer", "logger", "engine")
            for name in configuration.choices(group)
        ],
    }
    for verb, all_settings in lists.items():
        for settings in all_settings:
            config = configuration.compose(verb, settings)
            collect(OmegaConf.to_container(config, resolve=False))
    return frozenset(keys | set(configuration.GROUPS))


@pytest.mark.parametrize("page", [page for page in PAGES if page != OWN_CODE], ids=page_name)
def test_settings_named_in_the_text_exist(page):
    named = {word for code in INLINE.findall(prose(page)) for word in code.split()}
    wrong = []
    for key, value in (word.split("=", 1) for word in named if SETTING.fullmatch(word)):
        choices = configuration.choices(key) if key in configuration.GROUPS else {}
        values = [one for one in re.split(r"[\[\],']", value) if one and "<" not in one]
        known = set(values) <= set(choices) if choices else key in known_keys()
        if not known and ("." in key or choices):
            wrong.append(f"{key}={value}")
    assert wrong == []


@every_page
def test_links_and_pictures_exist(page):
    broken = []
    for target in LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        place, _, anchor = target.partition("#")
        path = (page.parent / place).resolve() if place else page
        notebook = ROOT / "notebooks" / f"{path.stem}.ipynb"
        if path.parent == DOCS / "notebooks":
            path = notebook
        if not path.exists() or (anchor and path.suffix == ".md" and anchor not in anchors(path)):
            broken.append(target)
    assert broken == []


@cache
def anchors(page):
    """Anchors of a page's headings, as mkdocs makes them; generated ones included."""
    text = prose(page)
    for mark, part in generated().PARTS.items():
        if f"<!-- generated: {mark} -->" in text:
            text += part()
    explicit = re.findall(r"^#+ .*\{ #(\S+) \}$", text, re.MULTILINE)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {
        *explicit,
        *(re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", name).strip().lower()) for name in headings),
    }


@every_page
def test_python_examples_compile_and_import_what_exists(page):
    for title, text in blocks(page, "python"):
        tree = ast.parse(text)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("vqa"):
                module = importlib.import_module(node.module)
                for alias in node.names:
                    assert hasattr(module, alias.name) or importlib.util.find_spec(
                        f"{node.module}.{alias.name}"
                    ), f"{title or page.name}: {node.module} has no {alias.name}"


@cache
def generated():
    """The hook that writes the generated parts."""
    spec = importlib.util.spec_from_file_location("docs_generated", DOCS / "generated.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_choice_is_in_the_reference():
    text = generated().configuration_choices()
    assert set(generated().GROUPS) == set(configuration.GROUPS)
    counted = 0
    for group in configuration.GROUPS:
        for name, path in configuration.choices(group).items():
            assert f"### {group}={name} " in text
            assert path.read_text(encoding="utf-8").splitlines()[-1] in text
            counted += 1
    assert counted > 60


def test_every_verb_is_in_the_reference():
    text = generated().command_line()
    for verb in cli.flags():
        assert f"## vqa {verb}\n" in text
    assert "--raw-size WIDTHxHEIGHT" in text
    assert "leave_one_content_out" in text


def test_the_citation_is_of_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == vqa.__version__
    assert (citation["license"], citation["cff-version"]) == ("MIT", "1.2.0")


def test_the_doctor_page_names_every_finding():
    page = DOCS / "guides" / "doctor.md"
    (example,) = [text for _, text in blocks(page, "text")]
    rows = re.findall(r"^\| `([^`]+)`(?: \(note\))? \|", prose(page), re.MULTILINE)
    assert rows == list(KINDS)
    remedies = [line.strip() for line in example.splitlines() if line.startswith(" " * 27)]
    assert remedies
    assert set(remedies) <= {kind.remedy for kind in KINDS.values()}


@pytest.mark.slow
def test_the_examples_of_your_own_code_run(own_code, monkeypatch, capsys):
    monkeypatch.chdir(own_code)
    monkeypatch.setattr(sys, "path", [*sys.path, str(own_code)])
    rng = np.random.default_rng(0)
    lines = []
    for place in range(12):
        path = own_code / "study" / f"scene{place // 2}" / f"{place}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_h264(path, rng.integers(0, 255, (9, 48, 64, 3), dtype=np.uint8), 25, 20)
        lines.append(f"scene{place // 2}/{place}.mp4 {1 + place / 4}")
    (own_code / "study" / "scores.txt").write_text("\n".join(lines) + "\n")
    study = ["--config-dir", "my_conf", "data=my_study", "data.root=study"]
    small = ["trainer.max_epochs=2", "threads=1"]

    assert cli.main(["doctor", "my_study", "--config-dir", "my_conf", "--root", "study"]) == 0
    own = [*study, *small, "model=frame_mlp", "features=colour", "folder=run"]
    assert cli.main(["train", *own]) == 0
    vectors = ["model=svr", "features=[multiscale,colour]", "features.colour.scale=2"]
    assert cli.main(["train", *study, *vectors, "model.C=2", "model.gamma=1", "folder=svr"]) == 0
    clip = "study/scene0/0.mp4"
    capsys.readouterr()
    assert cli.main(["score", "run", clip]) == 2
    assert "--trust my_vqa" in capsys.readouterr().err
    assert cli.main(["score", "run", clip, "--trust", "my_vqa"]) == 0
    assert cli.main(["verify", "run", "--rescore", "1", "--trust", "my_vqa"]) == 0
    for name in [name for name in sys.modules if name.split(".")[0] == "my_vqa"]:
        del sys.modules[name]


@pytest.mark.slow
def test_the_site_builds_without_warnings(tmp_path):
    if missing := [name for name in SITE_PACKAGES if importlib.util.find_spec(name) is None]:
        pytest.skip(f"{', '.join(missing)} not installed: pip install 'vqa[docs]'")
    site = tmp_path / "site"
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    assert "WARNING -" not in built.stderr
    pages = list(site.rglob("*.html"))
    assert len(pages) > 30
    # Nothing is loaded from another server.
    loaded = re.compile(
        r"<(?:script|img|iframe)[^>]+src=\"?(?:https?:)?//|<link[^>]+stylesheet[^>]+//"
    )
    assert [page for page in pages if loaded.search(page.read_text(encoding="utf-8"))] == []
