import pytest

from vqa.models.svr import search


@pytest.fixture
def solved_c(monkeypatch):
    """Values of C in the order in which the search gives them to libsvm."""
    calls = []
    solve = search.solve

    def recorded(kernel, target, C, epsilon):
        calls.append(C)
        return solve(kernel, target, C, epsilon)

    monkeypatch.setattr(search, "solve", recorded)
    return calls
