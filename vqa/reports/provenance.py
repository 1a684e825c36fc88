"""The origin of a run's numbers in words: model, data, splits, code and machine."""

from collections.abc import Mapping
from typing import Any

from vqa.databases.listing import some

RUN_FACTS = ("commit", "device", "precision", "started")
# Omitted: places on one machine, the handling of gaps and delays, and what the header shows
# elsewhere. The report ends with the whole configuration.
OMITTED = (
    "name", "root", "read", "missing", "on_error", "time_limit_s", "device", "batch_frames",
    "checkpoint_every", "trainer", "seed",
)  # fmt: skip


def run_facts(
    config: Mapping[str, Any], environment: Mapping[str, Any], splits: Mapping[str, Any]
) -> list[tuple[str, str, str]]:
    """Return the facts about a run that the report shows.

    Args:
        config: The resolved configuration.
        environment: Flat: versions, and if known `commit, device, command, started, seconds`.
        splits: Content of the split files, by name.

    Returns:
        Label, value, and options in small print of each known fact.
    """
    # Each kind of features has its own section, with its name as key.
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
    """Return the name and the options of a part of the configuration."""
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
        if not key.startswith("_") and key not in OMITTED and value not in (None, {}, [])
    ]
    return name or ", ".join(options), ", ".join(options) if name else ""


def flat(environment: Mapping[str, Any]) -> dict[str, Any]:
    """Return the environment without one level of grouping, such as `versions`."""
    plain: dict[str, Any] = {}
    for key, value in environment.items():
        plain.update(value if isinstance(value, Mapping) else {key: value})
    return plain


def _duration(seconds: float) -> str:
    """Return seconds as hours, minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"
