"""The demuxers that may read a file: those that read this file alone.

A playlist names other files and addresses, so reading one for a stranger would read what the
stranger wants. FFmpeg recognises playlists by their content, whatever the file is called.
"""

import contextlib
from functools import cache
from pathlib import Path

import av

# Demuxers that open other files or addresses, besides those that open no file themselves: devices
# and networks.
PLAYLISTS = frozenset({"concat", "dash", "hls", "imf", "sdp", "smoothstreaming"})
SCRIPTS = frozenset({"avisynth", "vapoursynth"})
IN_SEVERAL_FILES = frozenset({"dvdvideo", "mlv", "vobsub", "webm_dash_manifest"})
# Demuxers that show text as pictures: any text file is a video to them.
SHOWING_TEXT = frozenset({"adf", "bin", "idf", "tty", "xbin"})
REFUSED = PLAYLISTS | SCRIPTS | IN_SEVERAL_FILES | SHOWING_TEXT

IMAGES = "image2"
NEIGHBOURS_READ = (".y",)  # suffix for which `image2` also opens the files with .u and .v

TEXTS = (b"ffconcat", b"#EXTM3U", b"<?xml", b"<MPD", b"v=0", b"[playlist]", b"file ")


def options(path: Path) -> dict[str, str]:
    """Return the options with which FFmpeg opens a file, and no other."""
    images = () if path.suffix.lower() in NEIGHBOURS_READ else (IMAGES,)
    return {
        "format_whitelist": ",".join((*_reading_one_file(), *images)),
        "protocol_whitelist": "file",
        "pattern_type": "none",  # % and * in the name of an image mean themselves
    }


def playlist(path: Path) -> str | None:
    """Return the error for a file that is a playlist, None for any other."""
    head = b""
    with contextlib.suppress(OSError), path.open("rb") as file:
        head = file.read(64).lstrip(b"\xef\xbb\xbf \r\n\t")
    if not head.startswith(TEXTS):
        return None
    return "is a playlist or another text that names other files; name the video files themselves"


@cache
def _reading_one_file() -> tuple[str, ...]:
    names = set()
    for name in av.formats_available - REFUSED:
        with contextlib.suppress(ValueError):  # it can only be written
            if not av.ContainerFormat(name, "r").no_file:
                names.add(name)
    return tuple(sorted(names))
