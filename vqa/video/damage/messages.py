"""What FFmpeg's libraries log while they read one video, as signs of damage.

PyAV ignores these messages by default. The level is one setting of the whole process, so it is
raised while any thread listens. Each thread gets only its own messages: a video is demuxed and
decoded in the thread that reads it.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import av

Message = tuple[int, str, str]  # level, name of the demuxer or decoder, text

# Messages below the level of an error that mean damage: most decoders conceal it.
SIGNS = (
    "concealing",
    "undecodable NALU",
    "first frame not a keyframe",
    "End mismatch",
    "EOC Marker",
    "EOI missing",
    "Truncating",
    "CRC mismatch",
)
# Errors that do not concern frames: chapters that refer to a missing track, covers, timecodes and
# other metadata, and a reference before the start of the file that is to be forgotten.
HARMLESS = (
    "chapter",
    "cover",
    "timecode",
    "SEI type",
    "APP fields",
    "mmco: unref short failure",
)

_lock = threading.RLock()
_listening = 0
_before: tuple[int | None, bool, int] | None = None


@contextmanager
def hearing() -> Iterator[list[Message]]:
    """Collect what FFmpeg's libraries log in this thread, up to the level of information.

    Other threads' messages stay unseen, as they are by default. Nothing is printed.

    Yields:
        The list of messages, in which they appear as they are logged.
    """
    _listen(1)
    try:
        with av.logging.Capture() as log:
            yield log
    finally:
        _listen(-1)


def damage_while_decoding(log: list[Message]) -> str | None:
    """Return the first message that means damage to the video, or None."""
    return next((_text(message) for message in log if _means_damage(message)), None)


def damage_while_demuxing(log: list[Message]) -> str | None:
    """Return the first message of a demuxer that means damage, or None.

    Decoders speak here too, because a file is opened by decoding its beginning, which may lie
    between two keyframes. They repeat themselves when the video is decoded.
    """
    own = (message for message in log if _codec_type(message[1]) is None)
    return next((_text(message) for message in own if _means_damage(message)), None)


def _listen(change: int) -> None:
    """Raise the level with the first listener, and restore it after the last."""
    global _listening, _before
    with _lock:
        _listening += change
        if change > 0 and _listening == 1:
            outlet = logging.getLogger("libav")  # gets what nobody captures
            _before = av.logging.get_level(), av.logging.get_skip_repeated(), outlet.level
            outlet.setLevel(logging.CRITICAL + 1)
            av.logging.set_skip_repeated(False)  # else a second scan of the same file logs nothing
            av.logging.set_level(av.logging.INFO)
        elif _listening == 0 and _before is not None:
            level, skip_repeated, outlet_level = _before
            av.logging.set_level(level)
            av.logging.set_skip_repeated(skip_repeated)
            logging.getLogger("libav").setLevel(outlet_level)


def _means_damage(message: Message) -> bool:
    level, name, text = message
    if _codec_type(name) not in (None, "video") or any(word in text for word in HARMLESS):
        return False
    return level <= av.logging.ERROR or any(sign in text for sign in SIGNS)


def _text(message: Message) -> str:
    _, name, text = message
    return f"{name.split(',')[0]}: {text.strip()}".removeprefix(": ")


@cache
def _codec_type(name: str) -> str | None:
    """Return `video`, `audio` or `subtitle` for the name of a decoder, None for a demuxer's."""
    try:
        return av.Codec(name, "r").type
    except ValueError:  # UnknownCodecError
        return None
