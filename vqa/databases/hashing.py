"""The identities of all files of a database."""

from vqa.databases.records import Database, VideoRecord
from vqa.identity import Identities, ahead
from vqa.progress import progress_bar


def hashes_of(database: Database, identities: Identities) -> dict[str, str]:
    """Return the identity of each video's file, by id; empty for an absent file."""

    def identity(video: VideoRecord) -> str:
        try:
            return identities.first(video.path)
        except OSError:
            return ""

    found = {}
    with progress_bar(len(database), "hash", "file", delay=1.0) as bar:
        for video, known in ahead(database.videos, identity):
            found[video.id] = known
            bar.update()
    return found
