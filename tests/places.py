"""Folders that tests look into."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
CONF = ROOT / "conf"
# Real labels, features and weights, where they lie beside the checkout; tests skip without them.
SHARED = ROOT.parent / "shared" / "data"
