"""Test a finished run, score videos, compare and verify runs."""

from vqa.cli import script

if __name__ == "__main__":
    script("evaluate")
