"""The table of a study in the paper's form: text, Markdown, LaTeX, CSV and a page."""

from vqa.reports.study.formats import as_csv, as_latex, as_markdown, as_text
from vqa.reports.study.study_page import write_study_page

__all__ = ["as_csv", "as_latex", "as_markdown", "as_text", "write_study_page"]
