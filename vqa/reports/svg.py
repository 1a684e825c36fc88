"""Matplotlib figures as SVG text, and that text as part of a page.

`to_svg` returns the text of an SVG file. `inline` adapts it to a page: colours become CSS variables
of the page, which follow the light or dark theme, ids get the name of the figure as prefix, and
references to other addresses are removed.
"""

import html
import io
import re
from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.figure import Figure

from vqa.reports.style import STYLE, VARIABLES

DOTS = "videos"


def to_svg(figure: Figure, names: Sequence[str] = (), classes: Sequence[str] = ()) -> str:
    """Return the text of an SVG file: the same for the same figure, with letters as text.

    Args:
        figure: The figure.
        names: Tooltips of the dots (`DOTS`), in their order.
        classes: CSS classes of the dots, in their order; empty for none.

    Raises:
        ValueError: The numbers of dots and names differ.
    """
    with mpl.rc_context(STYLE):
        file = io.StringIO()
        blank = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(file, format="svg", metadata=blank)
    svg = file.getvalue()
    return _with_tooltips(svg, names, classes or [""] * len(names)) if len(names) else svg


def to_pdf(figure: Figure) -> bytes:
    """Return a figure as a PDF with embedded fonts: the same for the same figure."""
    with mpl.rc_context(STYLE):
        file = io.BytesIO()
        figure.savefig(file, format="pdf", metadata={"CreationDate": None})
    return file.getvalue()


def inline(svg: str, name: str, label: str) -> str:
    """Return the text of an SVG file as an element of a page.

    Args:
        svg: From `to_svg`.
        name: Prefix of its ids, unique in the page.
        label: Text alternative for readers who do not see the figure.
    """
    svg = svg[svg.index("<svg") :]
    head, body = svg.split(">", maxsplit=1)
    head = re.sub(r'\s(?:xmlns(?::\w+)?|width|height|version)="[^"]*"', "", head)
    svg = head.replace("<svg", f'<svg role="img" aria-label="{html.escape(label)}"', 1) + ">" + body
    svg = re.sub(r"\s*<defs>\s*<style.*?</style>\s*</defs>", "", svg, count=1, flags=re.DOTALL)
    svg = re.sub(r"font-family: [^;\"]*", "font-family: inherit", svg)
    svg = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", svg)
    svg = re.sub(r"font: bold ([\d.]+)px [^;\"]*", r"font-weight: 650; font-size: \1px", svg)
    svg = re.sub(r'(\sid="|href="#|url\(#)', rf"\g<1>{name}-", svg.replace("xlink:href", "href"))
    for colour, variable in VARIABLES.items():
        svg = svg.replace(colour, f"var(--{variable})")
    return svg


def _with_tooltips(svg: str, names: Sequence[str], classes: Sequence[str]) -> str:
    """Give each dot its name as title, and its classes."""
    begin = svg.index(f'<g id="{DOTS}">')
    end = svg.index("<g id=", begin + 1)
    dots = svg[begin:end]
    # Matplotlib draws a single dot in place, and several as uses of one drawing.
    tag = "use" if "<use " in dots else "path"
    marks = re.findall(rf"<{tag} [^>]*/>", dots)
    if len(marks) != len(names):
        raise ValueError(f"expected {len(marks)} names, one per dot, found {len(names)}")
    pairs = iter(zip(names, classes, strict=True))

    def with_title(mark: re.Match[str]) -> str:
        name, kinds = next(pairs)
        kind = f' class="{html.escape(kinds)}"' if kinds else ""
        return f"<{tag}{kind} {mark[1]}><title>{html.escape(name)}</title></{tag}>"

    dots = re.sub(rf"<{tag} ([^>]*)/>", with_title, dots)
    return svg[:begin] + dots + svg[end:]
