"""Matplotlib figures as SVG text, and that text as part of a page.

`to_svg` gives the text of a file that stands alone. `inline` makes it fit to stand inside a page:
colours become the page's CSS variables (so that they follow light and dark), ids carry the
figure's name, and nothing in it names another address.
"""

import html
import io
import re
from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.figure import Figure

# Okabe and Ito's blue and vermilion, darkened a little for thin lines: safe for colour-blind eyes.
INK, MUTED, GRID = "#1f2933", "#66717d", "#dfe4ea"
BLUE, RED, GREEN = "#0a6cae", "#c8500a", "#0a8563"
VARIABLES = {
    INK: "ink",
    MUTED: "muted",
    GRID: "grid",
    BLUE: "blue",
    RED: "red",
    GREEN: "green",
}
DOTS = "videos"
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "vqa",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10,
    "text.parse_math": False,
    "text.color": INK,
    "axes.edgecolor": GRID,
    "axes.labelcolor": MUTED,
    "axes.titlecolor": INK,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": GRID,
    "ytick.color": GRID,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
}


def to_svg(figure: Figure, names: Sequence[str] = ()) -> str:
    """The figure as an SVG file's text: same figure, same text; letters stay letters.

    Args:
        figure: What to draw.
        names: Of the dots of `scatter` or `residuals`, in their order; each becomes a tooltip.
    """
    with mpl.rc_context(STYLE):
        file = io.StringIO()
        blank = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(file, format="svg", metadata=blank)
    return _with_tooltips(file.getvalue(), names) if names else file.getvalue()


def inline(svg: str, name: str, label: str) -> str:
    """An SVG file's text as an element of a page.

    Args:
        svg: From `to_svg`.
        name: Prefix of its ids, unique in the page.
        label: What it shows, for those who do not see it.
    """
    svg = svg[svg.index("<svg") :]
    head, body = svg.split(">", maxsplit=1)
    head = re.sub(r'\s(?:xmlns(?::\w+)?|width|height|version)="[^"]*"', "", head)
    svg = head.replace("<svg", f'<svg role="img" aria-label="{html.escape(label)}"', 1) + ">" + body
    svg = re.sub(r"\s*<defs>\s*<style.*?</style>\s*</defs>", "", svg, count=1, flags=re.DOTALL)
    svg = re.sub(r"font-family: [^;\"]*", "font-family: inherit", svg)
    svg = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", svg)
    svg = re.sub(r'(\sid="|href="#|url\(#)', rf"\g<1>{name}-", svg.replace("xlink:href", "href"))
    for colour, variable in VARIABLES.items():
        svg = svg.replace(colour, f"var(--{variable})")
    return svg


def _with_tooltips(svg: str, names: Sequence[str]) -> str:
    """Give the n-th dot the n-th name as its title.

    Raises:
        ValueError: There are not as many dots as names.
    """
    begin = svg.index(f'<g id="{DOTS}">')
    end = svg.index("<g id=", begin + 1)
    dots = svg[begin:end]
    marks = re.findall(r"<use [^>]*/>", dots)
    if len(marks) != len(names):
        raise ValueError(f"expected {len(marks)} names, one for each dot, found {len(names)}")
    titles = iter(names)
    dots = re.sub(
        r"<use ([^>]*)/>",
        lambda mark: f"<use {mark[1]}><title>{html.escape(next(titles))}</title></use>",
        dots,
    )
    return svg[:begin] + dots + svg[end:]
