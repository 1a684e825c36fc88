"""The flags of `vqa study`; imports nothing heavy, because every command builds them."""

import argparse
from importlib import import_module

EPILOG = """\
examples:
  vqa study                                          list the studies
  vqa study gstvqa/table2 paths.data=/databases      databases lie in <paths.data>/<name>
  vqa study gstvqa/table2 roots.konvid=/data/KoNViD  ... or where roots.<name> says
  vqa study gstvqa/table2 --plan                     trainings, cells, estimated time only
  vqa study gstvqa/table2 --smoke                    the same on the demo databases, in tiny sizes
  vqa study gstvqa/table2 shard=2/8                  one of 8 jobs; rerun without it for the table
  vqa study my_table.yaml trainer=cpu                a study of your own, settings of every training

An interrupted study resumes when you rerun the command. A training is made once: studies share the
run folders of `vqa train`."""


def add(study: argparse.ArgumentParser) -> None:
    """Add the flags, and the job that they describe."""
    study.add_argument(
        "words", nargs="*", metavar="STUDY [key=value ...]",
        help="name or YAML file of a study, then settings of its trainings, shard=, output=",
    )  # fmt: skip
    study.add_argument(
        "--plan", action="store_true", help="print the plan and its cost, do nothing"
    )
    study.add_argument("--smoke", action="store_true", help="demo databases, tiny sizes: minutes")
    study.add_argument("--config-dir", metavar="FOLDER", help="folder of your own configuration")
    study.set_defaults(job=lambda given: import_module("vqa.commands.study.command").command(given))
