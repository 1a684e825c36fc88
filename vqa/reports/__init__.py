"""Self-contained HTML pages that open anywhere, also without network and scripts.

`vqa.reports.run_page` shows one run, `comparison_page` several runs on the same splits,
`matrix_page` a matrix of databases to train and to test on, `sweep_page` the runs of a sweep,
`index_page` all that is below a folder. Each is imported by its own name, because figures take a
second to import, and pictures of a video need none.
"""
