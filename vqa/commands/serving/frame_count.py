"""How many frames of a video the extractors have described, told while they work."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

TELL_S = 0.5  # not more often


@contextmanager
def telling(extractors: Sequence[Any], tell: Callable[[int, int], None]) -> Iterator[None]:
    """Tell frames that are described, and all frames, while extractors work in the block.

    With several extractors the count is that of the one that works.

    Args:
        extractors: Those of a model; without any, nothing is told.
        tell: Gets the two numbers, at most twice a second.
    """
    for extractor in extractors:
        extractor.describe = _counted(extractor, extractor.describe, tell)
    try:
        yield
    finally:
        for extractor in extractors:
            del extractor.describe  # that of the class shows again


def _counted(
    extractor: Any, describe: Callable[..., Any], tell: Callable[[int, int], None]
) -> Callable[..., Any]:
    def counted(chunks: Iterator[Any], info: Any) -> Any:
        chosen = extractor.indices(info) if extractor.chooses_frames else None
        all_frames = info.frames if chosen is None else len(chosen)

        def passed() -> Iterator[Any]:
            done, last = 0, time.monotonic() - TELL_S
            for chunk in chunks:
                yield chunk
                done += len(chunk)
                if time.monotonic() - last >= TELL_S:
                    last = time.monotonic()
                    tell(min(done, all_frames), all_frames)

        return describe(passed(), info)

    return counted
