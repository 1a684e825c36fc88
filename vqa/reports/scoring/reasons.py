"""Why a video scores as it does, as a card of the page shows it."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from vqa.reports.scoring.pictures import maps_of
from vqa.video import RawFormat


def reasons(
    path: str, explanation: Mapping[str, Any] | None, raw: RawFormat | None
) -> dict[str, Any] | None:
    """Return what the template shows of an explanation; None without one.

    Args:
        path: The video, for the maps; if it is gone, they are left out, and a remark says so.
        explanation: See `vqa.commands.scoring.explanation`; rows of earlier versions say the main
            cause in their remarks, without a key.
        raw: Format of headerless `.yuv` files.
    """
    if explanation is None:
        return None
    drawn = maps_of(path, explanation, raw)
    shown = explanation["maps"][: len(drawn)]
    main, remarks = explanation.get("main_cause"), list(explanation["remarks"])
    if len(drawn) < len(explanation["maps"]):
        remarks.append("the maps have no pictures: the video cannot be read from here")
    return {
        "causes": _bars(explanation["causes"], "effect", "kind"),
        "texts": [one["text"] for one in explanation["causes"]],
        "descriptions": _bars(explanation["descriptions"], "change", "text", "set"),
        "maps": [(_address(one.jpeg), one.title, one.time_s) for one in drawn],
        "regions": list(dict.fromkeys(one["region"] for one in shown)),
        "main_cause": "" if main is None else main["text"],
        "remarks": remarks,
    }


def _bars(
    rows: Sequence[Mapping[str, Any]], value: str, name: str, group: str = ""
) -> list[dict[str, Any]]:
    """Return rows with the length of their bars, as a share of the longest in percent."""
    longest = max((abs(row[value]) for row in rows), default=0.0) or 1.0
    return [
        {
            "name": row[name],
            "group": row.get(group, ""),
            "value": f"{row[value]:+.2f}",
            "length": f"{100 * abs(row[value]) / longest:.0f}",
            "lowers": row[value] < 0,
        }
        for row in rows
    ]


def _address(jpeg: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()
