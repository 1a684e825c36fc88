"""The table of a study as text, Markdown, LaTeX (booktabs) and CSV."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from vqa.evaluation.text import aligned_rows
from vqa.files import csv_text
from vqa.reports.study.grid import (
    Head,
    Line,
    blocks_of,
    difference,
    heads_of,
    interval,
    labels,
    metric_of_all,
    ours,
    printed,
)
from vqa.reports.words import known

WIDEST = 118
COLUMNS = (
    "block", "row_group", "row", "column_group", "column", "metric", "value", "low", "high", "std",
    "std_population", "splits",
    "videos", "printed", "printed_deviation", "difference", "inside", "empty", "untrained", "runs",
)  # fmt: skip
TEX = str.maketrans(
    {
        "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
        "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
        "±": r"$\pm$", "–": "--", "λ": r"$\lambda$", "μ": r"$\mu$", "σ": r"$\sigma$",
        "→": r"$\to$", "≤": r"$\leq$", "≥": r"$\geq$", "×": r"$\times$",
    }
)  # fmt: skip


def as_text(study: Mapping[str, Any]) -> str:
    """Return the table for a terminal; one that is too wide goes on below."""
    heads, parts = heads_of(study), []
    for block in blocks_of(study):
        if block.name:
            parts.append(f"{block.name}\n")
        for columns in _chunks(study, heads, block.lines):
            rows = [["", *line] for line in _headings(heads, columns)]
            rows[-1][0] = metric_of_all(study)
            rule = len(rows)
            for line in block.lines:
                if line.heading:
                    rows.append([line.heading, *[""] * len(columns)])
                rows += _lines(study, line, columns)
            lines = aligned_rows(rows)
            width = max(len(line.rstrip()) for line in lines)
            body = [*lines[:rule], "-" * width, *lines[rule:]]
            parts.append("\n".join(line.rstrip() for line in body) + "\n")
    return "\n".join(parts)


def as_markdown(study: Mapping[str, Any]) -> str:
    """Return the table in Markdown, with title, source and notes."""
    heads, parts = heads_of(study), [f"## {study['title']}\n"]
    if study["source"]:
        parts.append(f"Printed numbers: {study['source']}.\n")
    names = [" ".join(filter(None, (one.group, one.column, one.metric))) for one in heads]
    for block in blocks_of(study):
        if block.name:
            parts.append(f"### {block.name}\n")
        rows = [[metric_of_all(study), *names], ["---", *["---:"] * len(names)]]
        for line in block.lines:
            title = " ".join(filter(None, (line.group, line.name)))
            mine = [
                " ".join(filter(None, (ours(c, study), _brackets(interval(c))))) for c in line.cells
            ]
            rows.append([title, *mine])
            if any(known(cell["printed"]) for cell in line.cells):
                rows.append(["*printed*", *(_printed_line(c, study) for c in line.cells)])
        parts.append("\n".join(f"| {' | '.join(map(_pipes, row))} |" for row in rows) + "\n")
    if study["notes"]:
        parts.append("\n".join(f"- {note}" for note in study["notes"]) + "\n")
    return "\n".join(parts)


def as_latex(study: Mapping[str, Any]) -> str:
    """Return the table in LaTeX; it needs the packages booktabs and graphicx."""
    heads = heads_of(study)
    lines = [
        r"% \usepackage{booktabs,graphicx}",
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{_tex(study['title'])}. {_tex(legend(study))}}}",
        rf"\label{{tab:{study['name'].replace('/', '-')}}}",
        r"\resizebox{\linewidth}{!}{%",
        rf"\begin{{tabular}}{{l{'r' * len(heads)}}}",
        r"\toprule",
    ]
    for level, names in enumerate(levels_of(heads)):
        cells, rules, place = [], [], 2
        for name, run in itertools.groupby(names):
            width = len(list(run))
            text = _tex(name)
            cells.append(rf"\multicolumn{{{width}}}{{c}}{{{text}}}" if width > 1 else text)
            if width > 1 and name:
                rules.append(rf"\cmidrule(lr){{{place}-{place + width - 1}}}")
            place += width
        first = _tex(metric_of_all(study)) if level == len(levels_of(heads)) - 1 else ""
        lines.append(f"{first} & {' & '.join(cells)} " + r"\\" + "".join(rules))
    for block in blocks_of(study):
        lines.append(r"\midrule")
        if block.name:
            lines.append(
                rf"\multicolumn{{{len(heads) + 1}}}{{l}}{{\textit{{{_tex(block.name)}}}}} \\"
            )
        for line in block.lines:
            if line.heading:
                lines.append(rf"\multicolumn{{{len(heads) + 1}}}{{l}}{{{_tex(line.heading)}}} \\")
            mine = [
                _tex(ours(cell, study))
                + (rf" {{\scriptsize [{ends}]}}" if (ends := _ends(cell)) else "")
                for cell in line.cells
            ]
            lines.append(f"{_tex(line.name)} & {' & '.join(mine)} " + r"\\")
            if any(known(cell["printed"]) for cell in line.cells):
                theirs = [_tex(_printed_line(cell, study)) for cell in line.cells]
                text = " & ".join(rf"{{\footnotesize {one}}}" if one else "" for one in theirs)
                lines.append(rf"\quad {{\footnotesize printed}} & {text} \\")
    lines += [r"\bottomrule", r"\end{tabular}}", r"\end{table}", ""]
    return "\n".join(lines)


def as_csv(study: Mapping[str, Any]) -> str:
    """Return all cells, one per line."""
    rows = (
        [", ".join(value) if isinstance(value := cell[name], list) else value for name in COLUMNS]
        for cell in study["cells"]
    )
    return csv_text(list(COLUMNS), ([_plain(value) for value in row] for row in rows))


def _lines(study: Mapping[str, Any], line: Line, columns: Sequence[int]) -> list[list[str]]:
    """Return a row of numbers and, below it, what is known about them."""
    rows = [[line.name, *(ours(line.cells[place], study) for place in columns)]]
    below: dict[str, Callable[[Mapping[str, Any]], str]] = {
        "interval": interval,
        "printed": lambda cell: printed(cell, study),
        "difference": lambda cell: difference(cell, study),
    }
    for key, name in labels(study).items():
        cells = [below[key](line.cells[place]) for place in columns]
        if any(cells):
            rows.append([f"  {name}", *cells])
    return rows


def _headings(heads: Sequence[Head], columns: Sequence[int]) -> list[list[str]]:
    """Return the lines of headings; a name that repeats to the right is left out."""
    return [
        ["" if place and name == names[place - 1] else name for place, name in enumerate(names)]
        for names in levels_of([heads[place] for place in columns])
    ]


def levels_of(heads: Sequence[Head]) -> list[list[str]]:
    """Return the levels of headings that say something, the widest first."""
    levels = [[getattr(head, name) for head in heads] for name in ("group", "column", "metric")]
    return [names for names in levels if any(names)]


def _chunks(
    study: Mapping[str, Any], heads: Sequence[Head], lines: Sequence[Line]
) -> list[list[int]]:
    """Divide the columns of numbers so that each part fits a terminal."""
    first = max(
        [len(f"  {name}") for name in labels(study).values()]
        + [len(text) for line in lines for text in (line.name, line.group)]
    )
    chunks: list[list[int]] = [[]]
    width = first
    for place in range(len(heads)):
        texts = [row[1] for line in lines for row in _lines(study, line, [place])]
        own = 2 + max(
            map(len, [*texts, heads[place].column, heads[place].metric, heads[place].group])
        )
        if chunks[-1] and width + own > WIDEST:
            chunks.append([])
            width = first
        chunks[-1].append(place)
        width += own
    return chunks


def _printed_line(cell: Mapping[str, Any], study: Mapping[str, Any]) -> str:
    text = printed(cell, study)
    return f"{text} ({found})" if text and (found := difference(cell, study)) else text


def legend(study: Mapping[str, Any]) -> str:
    """Say what the numbers are."""
    over = f"{study['aggregate'].capitalize()} over the splits"
    spread = {
        None: "",
        "sample": " ± deviation (n - 1)",
        "population": " ± deviation (n)",
    }[study["deviation"]]
    percent = labels(study)["interval"]
    compared = any(known(cell["printed"]) for cell in study["cells"])
    source = f" Printed: {study['source']}." if compared and study["source"] else ""
    return f"{over}{spread} and {percent} over the test videos.{source}"


def _ends(cell: Mapping[str, Any]) -> str:
    return interval(cell).replace(" to ", ", ")


def _brackets(text: str) -> str:
    return f"[{text.replace(' to ', ', ')}]" if text else ""


def _pipes(text: str) -> str:
    return text.replace("|", "\\|")


def _tex(text: str) -> str:
    return text.translate(TEX)


def _plain(value: Any) -> Any:
    return "" if value is None or (isinstance(value, float) and value != value) else value
