"""Where a run's numbers come from, in words: model, data, splits, code and machine."""

from collections.abc import Mapping
from typing import Any

from vqa.databases.listing import some

RUN_FACTS = ("commit", "device", "started")
# Not worth a word in the header: where files lie on one machine, how gaps and delays are handled,
# and what the header says elsewhere. The report's whole configuration has them.
UNSAID = (
    "name", "root", "read", "missing", "on_error", "time_limit_s", "device", "batch_frames",
    "checkpoint_every", "trainer", "seed",
)  # fmt: skip


def run_facts(
    config: Mapping[str, Any], environment: Mapping[str, Any], splits: Mapping[str, Any]
) -> list[tuple[str, str, str]]:
    """The run header.

    Args:
        config: The resolved configuration.
        environment: Flat: versions, and where known `commit, device, command, started, seconds`.
        splits: Per name the content of its split file.

    Returns:
        Label, value, and options in small print; only of what is known.
    """
    # Each kind of features has a section of its own, named as it is.
    config = {**config, "features": list(config.get("features", {}).values()) or None}
    facts = [
        (label, *_described(config[key]))
        for key, label in (
            ("model", "Model"),
            ("features", "Features"),
            ("data", "Database"),
            ("protocol", "Protocol"),
            ("trainer", "Trainer"),
            ("seed", "Seed"),
        )
        if config.get(key) is not None
    ]
    hashes = [str(split.get("sha256", ""))[:12] for split in splits.values()]
    if any(hashes):
        facts.append(("Split hash", some(hashes), ""))
    facts += [
        (key.capitalize(), str(environment[key]), "") for key in RUN_FACTS if key in environment
    ]
    if "seconds" in environment:
        facts.append(("Duration", _duration(float(environment["seconds"])), ""))
    known = {*RUN_FACTS, "seconds", "command"}
    versions = [f"{key} {value}" for key, value in environment.items() if key not in known]
    if versions:
        facts.append(("Versions", versions[0], ", ".join(versions[1:])))
    return facts


def _described(part: Any) -> tuple[str, str]:
    """A piece of configuration as its name and its plain options."""
    if isinstance(part, list):
        pieces = [_described(piece) for piece in part]
        return ", ".join(name for name, _ in pieces), "; ".join(text for _, text in pieces if text)
    if not isinstance(part, Mapping):
        return str(part), ""
    target = str(part.get("_target_", "")).rsplit(".", 1)[-1]
    network = part.get("network")
    if isinstance(network, Mapping) and "name" not in part:
        name, _ = _described(network)
        part = {"by": target} | {key: part[key] for key in part if key != "network"}
    else:
        name = str(part.get("name") or target)
    options = [
        f"{key} {_described(value)[0] if isinstance(value, Mapping | list) else value}"
        for key, value in part.items()
        if not key.startswith("_") and key not in UNSAID and value not in (None, {}, [])
    ]
    return name or ", ".join(options), ", ".join(options) if name else ""


def flat(environment: Mapping[str, Any]) -> dict[str, Any]:
    """The environment with one level of grouping (such as `versions`) taken out."""
    plain: dict[str, Any] = {}
    for key, value in environment.items():
        plain.update(value if isinstance(value, Mapping) else {key: value})
    return plain


def _duration(seconds: float) -> str:
    """Seconds as people say them."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"
