"""Fit one model on one database under one protocol."""

from vqa.cli import script

if __name__ == "__main__":
    script("train")
