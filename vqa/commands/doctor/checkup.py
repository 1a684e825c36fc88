"""The result of a check, as a JSON file and as a table to read."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from vqa.commands.doctor.diagnosis import usable
from vqa.commands.doctor.findings import KINDS, Finding
from vqa.commands.doctor.survey import Facts
from vqa.databases.records import Database
from vqa.databases.searching import counted
from vqa.files import shown, write_json

EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Checkup:
    """A database, the facts of its files, and the findings.

    Attributes:
        database: All labelled videos.
        facts: Facts by id, for the files on disk.
        findings: As `vqa.commands.doctor.diagnose` gives them.
        go_without: Whether absent files are accepted (`data.missing=skip`).
        passed_over: Numbers of other files in the folder, by the reason why they are no videos.
    """

    database: Database
    facts: Mapping[str, Facts]
    findings: Sequence[Finding]
    go_without: bool = False
    passed_over: Mapping[str, int] = field(default_factory=dict)

    @property
    def usable(self) -> list[str]:
        """Ids of the videos that can be trained on."""
        return usable(self.database, self.findings)

    @property
    def faults(self) -> list[str]:
        """Kinds of findings that stop or falsify training."""
        # Accepting absent files does not mean accepting a database without any video.
        accepted = {"missing", "renamed"} if self.go_without and self.facts else set()
        found = dict.fromkeys(finding.kind for finding in self.findings)
        return [kind for kind in found if KINDS[kind].fault and kind not in accepted]

    @property
    def verdict(self) -> str:
        """One sentence."""
        count = f"{len(self.usable)} of {len(self.database)} usable"
        if not self.facts:
            return f"{count}: none of the labelled files is there; check data.root"
        if self.faults:
            return f"{count}; fix the faults before training ({', '.join(self.faults)})"
        return f"{count}; found nothing that would stop or falsify training"


def as_text(checkup: Checkup) -> str:
    """Format a line per kind of finding (count, first examples), its remedy, and the verdict."""
    lines = [f"{checkup.database.name}: {len(checkup.database)} labelled videos"]
    if checkup.passed_over:
        counts = ", ".join(counted(count, reason) for reason, count in checkup.passed_over.items())
        lines.append(f"passed over {counts}")
    whole = [fact for fact in checkup.facts.values() if fact.error is None]
    if blank := sum(not any(fact.likeness) for fact in whole):
        lines.append(f"{blank} begin black, flat or dim, so likeness cannot be judged")
    kinds = dict.fromkeys(finding.kind for finding in checkup.findings)
    for kind in kinds:
        found = [finding for finding in checkup.findings if finding.kind == kind]
        rest = len(found) - EXAMPLES
        examples = "; ".join(map(_example, found[:EXAMPLES])) + (
            f"; and {rest} more" if rest > 0 else ""
        )
        weight = "FAULT" if kind in checkup.faults else "note"
        lines.append(f"{weight:5s}  {kind:12s} {len(found):6d}  {examples}")
        lines.append(f"{'':27s}{KINDS[kind].remedy}")
    return "\n".join(map(_printable, [*lines, checkup.verdict]))


def write(checkup: Checkup, path: str | Path) -> Path:
    """Write all findings and the facts of every file as JSON."""
    counts: dict[str, int] = {}
    for finding in checkup.findings:
        counts[finding.kind] = counts.get(finding.kind, 0) + 1
    paths = {video.id: str(video.path.absolute()) for video in checkup.database.videos}
    content = {
        "database": checkup.database.name,
        "verdict": checkup.verdict,
        "faults": checkup.faults,
        "labelled": len(checkup.database),
        "usable": len(checkup.usable),
        "counts": counts,
        "passed_over": checkup.passed_over,
        "findings": [
            {**asdict(finding), "fault": finding.kind in checkup.faults}
            for finding in checkup.findings
        ],
        "videos": {
            key: {"path": paths[key], **asdict(checkup.facts[key])} for key in sorted(checkup.facts)
        },
    }
    return write_json(path, content, indent=1)


def _printable(line: str) -> str:
    """Return one line of text, whatever characters names have."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in shown(line))


def _example(finding: Finding) -> str:
    name = finding.video or (Path(finding.file).name if finding.file else "")
    if finding.kind == "missing" or not finding.text:
        return name
    return f"{name}: {finding.text}" if name else finding.text
