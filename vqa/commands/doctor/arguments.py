"""The flags of `vqa doctor`; imports nothing heavy, because every command builds them."""

import argparse
from importlib import import_module

from vqa.commands.rules import flag
from vqa.commands.setting_rules import RULES

EPILOG = """\
examples:
  vqa doctor                                             check the installation
  vqa doctor konvid --root /data/konvid
  vqa doctor csv --labels labels.csv --decode
  vqa doctor konvid --root /data/konvid --against doctor-lsvq.json

Finds files that are missing, renamed, unreadable, cut short, damaged, duplicated, or of another
size, rate or length than the label table says; labels outside the scale; files without a label.
The exit status is 1 if something would stop or falsify training. Results are kept in a journal
beside the output, so an interrupted check resumes and a second one takes seconds."""


def add(doctor: argparse.ArgumentParser) -> None:
    """Add the flags, and the job that they describe."""
    doctor.add_argument(
        "database", nargs="?", help="name of a database (vqa train --help lists them)"
    )
    doctor.add_argument("settings", nargs="*", help="further settings, such as data.grey=drop")
    doctor.add_argument("--root", metavar="FOLDER", help="folder of the database")
    doctor.add_argument("--labels", metavar="FILE", help="label table")
    doctor.add_argument(
        "--missing", choices=("error", "skip"), help="skip: absent files are meant to be absent"
    )
    doctor.add_argument(
        "--decode", action="store_true", help="decode every frame: slow, finds all damage"
    )
    doctor.add_argument(
        "--against", nargs="+", default=[], metavar="FILE",
        help="findings of other databases: look for the same files there",
    )  # fmt: skip
    doctor.add_argument(
        "--output", "-o", metavar="FILE", help="JSON file (default: doctor-<database>.json)"
    )
    doctor.add_argument("--fresh", action="store_true", help="examine every file again")
    doctor.add_argument(
        "--time-limit", type=flag(RULES["features.*.time_limit_s"], float), default=600.0,
        metavar="SECONDS", help="per video",
    )  # fmt: skip
    doctor.add_argument("--config-dir", metavar="FOLDER", help="folder of your own configuration")
    doctor.set_defaults(job=run)


def run(given: argparse.Namespace) -> int:
    """Check what the flags name: a database, or without one the installation."""
    from vqa.commands.configuration import quoted

    words = [word for word in (given.database, *given.settings, *given.rest) if word]
    overrides = [word if "=" in word else f"data={word}" for word in words]
    for key in ("root", "labels", "missing"):
        if (value := getattr(given, key)) is not None:
            overrides.append(f"data.{key}={quoted(value)}")
    if not overrides:
        return import_module("vqa.commands.doctor.installation").main()
    return import_module("vqa.commands.doctor.command").main(
        overrides,
        decode=given.decode,
        against=given.against,
        output=given.output,
        fresh=given.fresh,
        time_limit_s=given.time_limit,
        config_dir=given.config_dir,
    )
