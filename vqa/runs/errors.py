"""The error of all modules that read run folders."""


class RunError(RuntimeError):
    """A run folder that cannot be used; the text says what was expected and how to fix it."""
