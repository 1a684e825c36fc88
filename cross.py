"""Train on several databases and test on several."""

from vqa.cli import script

if __name__ == "__main__":
    script("cross")
