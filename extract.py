"""Fill the feature cache of a database, or draw what an extractor sees."""

from vqa.cli import script

if __name__ == "__main__":
    script("extract")
