"""The benchmark of growth runs in small size."""

from benchmarks import growth


def test_every_phase_has_a_row_with_its_cost(capsys):
    growth.main(["--tiny", "--splits", "2"])
    header, _, *rows = capsys.readouterr().out.splitlines()
    assert header.startswith("| n | Splits | Phase |")
    assert [row.split(" | ")[2] for row in rows] == list(growth.PHASES)
    pages = {row.split(" | ")[2] for row in rows if not row.endswith("|  |")}
    assert pages == {"report", "comparison"}
