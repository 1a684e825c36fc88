"""Pages that open anywhere, with no network and with scripts off: one HTML file each.

`write_report` is about one run, `write_comparison` about several on the same splits,
`write_matrix_page` about databases to train and to test on.
"""

from vqa.reports.comparison_page import write_comparison
from vqa.reports.matrix_page import write_matrix_page
from vqa.reports.run_page import write_report

__all__ = ["write_comparison", "write_matrix_page", "write_report"]
