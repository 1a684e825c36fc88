"""Render a template and its content to one HTML file that loads nothing from outside.

Every value is escaped unless it is our own markup. In addition the page's content security policy
allows only our script and no requests.
"""

import base64
import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
import yaml
from markupsafe import Markup
from matplotlib.figure import Figure

from vqa.evaluation.metrics import cards
from vqa.files import read_json, write_atomically
from vqa.reports import words
from vqa.reports.svg import inline, to_svg

HEADING = re.compile(r'<h2 id="([\w-]+)">([^<]*)')


def write_page(
    path: Path,
    template: str,
    content: Mapping[str, Any],
    style: str = "",
    scripts: Sequence[str] = ("page.js",),
) -> Path:
    """Render a page and write it.

    Args:
        path: Path of the page.
        template: File in `templates` with the sections below the header.
        content: Variables of the template; `kicker, title, verdict, summary` (a list) and `notes`
            (a list) are the header.
        style: Further CSS, which must be our own.
        scripts: Files in `templates` that make the script of the page.
    """
    environment = _environment()
    script = "".join(map(template_text, scripts))
    main = Markup(environment.get_template(template).render(content))
    page = environment.get_template("page.html").render(
        {key: content[key] for key in ("kicker", "title", "verdict", "summary", "notes")},
        main=main,
        style=Markup(style),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        sections=[(name, Markup(text)) for name, text in HEADING.findall(main)],
    )
    return write_atomically(path, page)


def template_text(name: str) -> str:
    """Return the text of a file in `templates`, as it is."""
    return resources.files("vqa.reports").joinpath("templates", name).read_text("utf-8")


def placed(
    folder: Path,
    figure: Figure,
    name: str,
    label: str,
    names: Sequence[str] = (),
    classes: Sequence[str] = (),
) -> Markup:
    """Write a figure below `figures` and return it as part of the page.

    Args:
        folder: Folder of the page.
        figure: The figure.
        name: File name without suffix, unique in the page; unusual characters become dashes.
        label: Text alternative for readers who do not see the figure.
        names: Tooltips of its dots.
        classes: CSS classes of its dots.
    """
    name = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in name)
    svg = to_svg(figure, names, classes)
    write_atomically(folder / "figures" / f"{name}.svg", svg)
    return Markup(inline(svg, name, label))


def link_to_report(folder: Path, run: str | None) -> str | None:
    """Return the relative address of a run's report for a page in `folder`; None without one.

    The path of the run may be relative to the working folder or to the page.
    """
    for place in (Path(run), folder / run) if run else ():
        if link := link_to(folder, place / "report.html"):
            return link
    return None


def link_to(folder: Path, target: Path) -> str | None:
    """Return the relative address of a file for a page in `folder`; None if there is no such file.

    After quoting, the address can only be a path.
    """
    if not target.is_file():
        return None
    path = Path(os.path.relpath(target.resolve(), folder.resolve()))
    return quote(os.fsencode(path.as_posix()))


def require_json(path: Path, keys: Sequence[str]) -> dict[str, Any]:
    """Return the content of a JSON file that must exist and have these keys.

    Raises:
        FileNotFoundError: No such file.
        ValueError: Not JSON, or a key is missing.
    """
    content = read_json(path)
    if content is None:
        raise FileNotFoundError(f"{path}: no such file; expected it next to its page")
    missing = [key for key in keys if not isinstance(content, dict) or key not in content]
    if missing:
        raise ValueError(f"{path}: no {', '.join(missing)}; expected the keys {', '.join(keys)}")
    return content


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the content of a YAML file; empty if the file is absent."""
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {} if path.is_file() else {}


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("vqa.reports", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": words.shown,
        "span": words.span,
        "probability": words.probability,
        "metric": cards.title_of,
        "grouping": words.grouping_title,
        "plural": words.plural,
    }
    environment.tests["known"] = words.known
    return environment
