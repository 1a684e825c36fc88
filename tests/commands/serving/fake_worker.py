"""A worker without a model, whose behaviour is the content of the video."""

import os
import time
from contextlib import suppress
from pathlib import Path

FACTS = {"name": "fake", "scale": [1, 5], "scale_is": "made up", "opinions": None, "level": None}


def work(connection, number, options, max_video_s, threads):
    """Answer each video as its content says."""
    if options["model"] == "wrong":
        connection.send(("wrong", "expected a model, found none"))
        return
    connection.send(("ready", FACTS | {"notes": [], "timeline": ""}))
    with suppress(EOFError, OSError):
        while True:
            given = connection.recv()
            if given is None:
                continue
            path, name, folder = given
            content = Path(path).read_bytes()
            once = Path(folder) / "once"
            if content == b"dies" or (content == b"dies once" and not once.exists()):
                once.touch()
                os._exit(9)
            if content == b"slow":
                connection.send(("frames", (3, 12)))
                time.sleep(60)
            if content == b"patient":
                connection.send(("frames", (3, 12)))
                if connection.poll(60):
                    connection.recv()
                connection.send(("cancelled", None))
                continue
            if content == b"bad":
                connection.send(("failed", ("no_score", f"{name}: is no video", "send a video")))
                continue
            (Path(folder) / "0.jpg").write_bytes(b"a picture")
            row = {"video": name, "score": 3.0, "bytes": len(content)}
            connection.send(("scored", (row, [{"title": "worst", "time_s": 0.5}])))
