"""The demuxers that may read a file: those that read this file alone.

A playlist names other files and addresses, so reading one for a stranger would read what the
stranger wants. FFmpeg recognises playlists by their content, whatever the file is called.
"""

from pathlib import Path

import av

# Demuxers that open other files, devices or addresses.
OPENING_OTHERS = frozenset(
    """
    alias_pix alsa avs brender_pix concat dash fbdev hls image2 imf kmsgrab lavfi mlv oss rtp rtsp
    sap sdp smoothstreaming video4linux2,v4l2 vobsub webm_dash_manifest x11grab
    """.split()  # noqa: SIM905 (a table to read)
)
# Demuxers that show text as pictures: any text file is a video to them.
SHOWING_TEXT = frozenset({"adf", "bin", "idf", "tty", "xbin"})
ALLOWED = sorted(av.formats_available - OPENING_OTHERS - SHOWING_TEXT)
OPTIONS = {"format_whitelist": ",".join(ALLOWED), "protocol_whitelist": "file"}

PLAYLISTS = (b"ffconcat", b"#EXTM3U", b"<?xml", b"<MPD", b"v=0", b"[playlist]", b"file ")


def playlist(path: Path) -> str | None:
    """Return the error for a file that is a playlist, None for any other."""
    with path.open("rb") as file:
        head = file.read(64).lstrip(b"\xef\xbb\xbf \r\n\t")
    if not head.startswith(PLAYLISTS):
        return None
    return "is a playlist or another text that names other files; name the video files themselves"
