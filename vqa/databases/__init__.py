"""Databases: one module per rated corpus, each with a plain function `read(root) -> Database`."""
