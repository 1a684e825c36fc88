"""Lines for people: printing them never ends a job."""

import os
import re
import sys
from typing import TextIO

from vqa.files import shown

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def say(text: str, stream: TextIO | None = None) -> None:
    """Print one line and flush it.

    Characters that the terminal cannot show, and control characters in file names, become escapes.
    A reader that has gone (`| head`) or a full disk behind the stream does not stop the work.

    Args:
        text: The line.
        stream: Where to print; None is standard output.
    """
    stream = stream or sys.stdout
    line = CONTROL.sub(lambda found: ascii(found[0])[1:-1], shown(text))
    encoding = stream.encoding or "utf-8"
    try:
        print(line.encode(encoding, "backslashreplace").decode(encoding), file=stream, flush=True)
    except OSError:
        # The interpreter flushes what is left at its end, which would fail again.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
