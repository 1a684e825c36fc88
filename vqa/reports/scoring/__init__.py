"""Pages about scores of unrated videos: of one job, and of two jobs on the same videos."""

from vqa.reports.scoring.changes_page import write_changes_page
from vqa.reports.scoring.page import write_page

__all__ = ["write_changes_page", "write_page"]
