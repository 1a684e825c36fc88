"""Sentences that CLIP compares windows with, in groups, from a YAML file that users can edit."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from vqa.files import user_path

PUBLISHED = Path(__file__).with_name("descriptions.yaml")


def read_descriptions(
    source: str | Path | Mapping[str, Sequence[str]] | None = None,
    groups: str | Sequence[str] | None = None,
) -> dict[str, tuple[str, ...]]:
    """Read descriptions by group, in the order of the source.

    Args:
        source: A YAML file of lists of sentences by group, such a mapping itself, or None for the
            35 objective and 18 subjective descriptions of `vqa/features/descriptions.yaml`.
        groups: Groups to use, such as `objective` or `["objective"]`; None uses all.

    Raises:
        ValueError: The source has another form, a description is repeated, or a group is unknown or
            has fewer than two descriptions (a softmax over one is always 1).
    """
    path = PUBLISHED if source is None else source
    named = "the descriptions" if isinstance(path, Mapping) else f"the descriptions in {path}"
    found = path if isinstance(path, Mapping) else _load(user_path(path))
    if not isinstance(found, Mapping) or not found or not all(map(_is_list, found.values())):
        raise ValueError(
            f"{named} are not lists of sentences by group; write them like "
            "{objective: [good image block, bad image block]}"
        )
    wanted = [groups] if isinstance(groups, str) else list(found if groups is None else groups)
    if not wanted or (unknown := [group for group in wanted if group not in found]):
        lacking = f"no group {unknown[0]!r}" if wanted else "no group selected"
        raise ValueError(f"{named}: {lacking}; choose among {', '.join(map(str, found))}")
    chosen = {str(group): tuple(found[group]) for group in found if group in wanted}
    for group, sentences in chosen.items():
        if len(sentences) < 2:
            raise ValueError(
                f"{named}: group {group!r} has {len(sentences)} descriptions; a softmax needs two"
            )
    sentences = [sentence for group in chosen.values() for sentence in group]
    if repeated := sorted({s for s in sentences if sentences.count(s) > 1}):
        raise ValueError(f"{named}: {repeated[0]!r} is repeated; keep it once")
    return chosen


def _load(path: Path) -> object:
    if not path.is_file():
        raise ValueError(
            f"no descriptions file at {path}; leave features.openclip.descriptions=null for the "
            f"published list, or copy {PUBLISHED} there"
        )
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        line = " ".join(str(error).split())
        raise ValueError(f"{path} is not YAML ({line}); correct or replace it") from error


def _is_list(value: object) -> bool:
    """Return whether a value is a list of non-empty sentences (OmegaConf's lists are sequences)."""
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and all(isinstance(sentence, str) and sentence.strip() for sentence in value)
    )
