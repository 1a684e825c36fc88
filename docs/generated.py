"""The generated parts of the documentation; a hook of mkdocs (`hooks:` in mkdocs.yml).

A page that contains the line `<!-- generated: command-line -->` or `<!-- generated: configuration
-->` gets the help texts of the command, or the choices in conf/, in its place. The notebooks become
pages of their own, with the outputs that are stored in them.
"""

import html
import io
import json
import os
import re
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import Any

from vqa import cli
from vqa.commands import configuration

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
HELP_COLUMNS = "92"
SCRIPT = re.compile(r"(?:python )?(train|evaluate|cross|extract)\.py")
MARK = re.compile(r"^<!-- generated: ([a-z-]+) -->$", re.MULTILINE)

GROUPS = {
    "model": "The network or regression, with its paper's recipe: features, optimiser, epochs.",
    "data": "The database.",
    "features": "What describes the videos; with `model=svr` a list of several.",
    "protocol": "How the database is divided into training, validation and test parts.",
    "alignment": "How MOS of several databases are mapped to one scale (`data=combined`).",
    "recipe": "The papers' sizes, or small ones for the demo.",
    "trainer": "Lightning's trainer: device, precision, epochs.",
    "logger": "Where curves and results go besides the run folder.",
    "engine": "Where the work is done: here, or in shares on a cluster of SLURM or Ray.",
    "experiment": "Rows of the papers' tables: several settings under one name.",
    "hparams_search": "With `-m`: a search for settings, judged on the validation part.",
}
VERBS = ("train", "evaluate", "cross", "extract")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Fill in the generated parts of a page."""
    return MARK.sub(lambda found: PARTS[found.group(1)](), markdown)


def on_files(files: Any, config: Any) -> Any:
    """Add a page for each notebook."""
    from mkdocs.structure.files import File

    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        page = notebook_page(path)
        files.append(File.generated(config, f"notebooks/{path.stem}.md", content=page))
    return files


def command_line() -> str:
    """Return the help text of every verb, each under a heading."""
    os.environ["COLUMNS"] = HELP_COLUMNS  # argparse wraps its help at this width
    parts = ["## vqa", _code(_help([]))]
    for verb in cli.flags():
        parts += [f"## vqa {verb}", _code(_help([verb]))]
    return "\n\n".join(parts)


def configuration_choices() -> str:
    """Return every group of conf/ with its choices: head comments, and the files folded away."""
    parts = []
    for verb in VERBS:
        path = configuration.conf_folder() / f"{verb}.yaml"
        parts += [f"## vqa {verb} {{ #{verb} }}", _choice(f"conf/{path.name}", path)]
    for group, summary in GROUPS.items():
        parts += [f"## {group}= {{ #{group} }}", summary]
        for name, path in configuration.choices(group).items():
            anchor = f"{group}-{name.replace('/', '-')}"
            place = path.relative_to(configuration.conf_folder()).as_posix()
            parts += [f"### {group}={name} {{ #{anchor} }}", _choice(f"conf/{place}", path)]
    return "\n\n".join(parts)


def notebook_page(path: Path) -> str:
    """Return a notebook as Markdown: text, code, and the stored outputs."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    parts = []
    for place, cell in enumerate(cells):
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
        else:
            parts.append(f"```python\n{source}\n```")
            parts += [_output(output) for output in cell["outputs"]]
        if place == 0:
            parts.append(f"This page shows the notebook `notebooks/{path.name}` as it ran.")
    return "\n\n".join(parts) + "\n"


PARTS: dict[str, Callable[[], str]] = {
    "command-line": command_line,
    "configuration": configuration_choices,
}


def _help(words: list[str]) -> str:
    """Return what `vqa ... --help` prints."""
    printed = io.StringIO()
    with redirect_stdout(printed), suppress(SystemExit):
        cli.main([*words, "--help"], "vqa")
    return printed.getvalue()


def _choice(name: str, path: Path) -> str:
    """Return a choice's head comment as prose and examples, and its file, folded away."""
    text = path.read_text(encoding="utf-8").rstrip()
    settings = "\n".join(f"    {line}".rstrip() for line in text.splitlines())
    return f'{_prose(path)}\n\n??? note "{name}"\n\n    ```yaml\n{settings}\n    ```'


def _prose(path: Path) -> str:
    """Return a head comment as Markdown: indented lines, which are commands, become code."""
    blocks: list[tuple[bool, list[str]]] = []
    for line in configuration.head_comment(path):
        is_code = line.startswith("  ")
        if not blocks or blocks[-1][0] != is_code:
            blocks.append((is_code, []))
        line = SCRIPT.sub(r"vqa \1", line.strip())
        # What stands after a command, behind two spaces or more, is a comment.
        line = re.sub(r"(\S {2,})(?=\S)", r"\1# ", line, count=1) if is_code else line
        blocks[-1][1].append(line if is_code else _linked(html.escape(line, quote=False)))
    return "\n\n".join(
        _code("\n".join(lines), "bash") if is_code else "\n".join(lines)
        for is_code, lines in blocks
    )


def _linked(line: str) -> str:
    return re.sub(r"https://\S+[^\s.,;)]", r"<\g<0>>", line)


def _output(output: dict[str, Any]) -> str:
    """Return one output of a cell as HTML or as a block of text."""
    data = output.get("data", {})
    if "image/png" in data:
        picture = "".join(data["image/png"]).replace("\n", "")
        return f'<div class="output"><img alt="figure" src="data:image/png;base64,{picture}"></div>'
    if "text/html" in data:
        return f'<div class="output">{_without_blank_lines(data["text/html"])}</div>'
    text = "".join(output.get("text") or data.get("text/plain", ""))
    return _code(text)


def _without_blank_lines(lines: list[str]) -> str:
    """Return HTML without blank lines and styles, which Markdown would take for paragraphs."""
    text = re.sub(r"<style.*?</style>", "", "".join(lines), flags=re.DOTALL)
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())


def _code(text: str, language: str = "text") -> str:
    return f"```{language}\n{text.rstrip()}\n```"
