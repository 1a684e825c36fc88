"""Self-contained HTML pages that open anywhere, also without network and scripts.

`write_report` shows one run, `write_comparison` several runs on the same splits,
`write_matrix_page` a matrix of databases to train and to test on, `write_sweep_page` the runs of a
sweep, `write_index` all that is below a folder.
"""

from vqa.reports.comparison_page import write_comparison
from vqa.reports.index_page import write_index
from vqa.reports.matrix_page import write_matrix_page
from vqa.reports.run_page import write_report
from vqa.reports.sweep_page import write_sweep_page

__all__ = [
    "write_comparison",
    "write_index",
    "write_matrix_page",
    "write_report",
    "write_sweep_page",
]
