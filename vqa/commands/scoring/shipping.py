"""A model folder on its way to other machines, checked by content when it arrives."""

import hashlib
import io
import json
import os
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from vqa.files import making_folder
from vqa.runs.hashes import file_hashes

UNHASHED = ("manifest.json", "environment.json")  # of a run folder, that a model needs too


@dataclass(frozen=True, slots=True)
class Model:
    """A model folder, as another machine finds it.

    Attributes:
        folder: Its path here.
        hashes: SHA-256 of its files, by path in the folder.
    """

    folder: str
    hashes: Mapping[str, str]

    @classmethod
    def of(cls, folder: Path) -> "Model":
        """Describe a folder."""
        return cls(str(folder.absolute()), file_hashes(folder))

    def packed(self) -> bytes:
        """Return the files as a tar archive."""
        content = io.BytesIO()
        with tarfile.open(fileobj=content, mode="w", encoding="utf-8") as archive:
            for name in sorted({*self.hashes, *UNHASHED}):
                if (path := Path(self.folder) / name).is_file():
                    archive.add(path, name, recursive=False)
        return content.getvalue()

    def here(self, packed: Callable[[], bytes]) -> Path:
        """Return a folder with these files on this machine; unpack them if there is none.

        Args:
            packed: Returns the archive.

        Raises:
            ValueError: The archive holds something else.
        """
        same = Path(self.folder)
        if same.is_dir() and file_hashes(same) == self.hashes:
            return same
        # Only this user may write there; the name stays, because rows name their model by it.
        user = Path(tempfile.gettempdir()) / f"vqa-models-{os.getuid()}"
        user.mkdir(mode=0o700, exist_ok=True)
        if user.stat().st_uid != os.getuid():
            user = Path(tempfile.mkdtemp(prefix="vqa-models-"))
        text = json.dumps(dict(self.hashes), sort_keys=True)
        target = user / hashlib.sha256(text.encode()).hexdigest()[:16] / same.name
        if target.is_dir() and file_hashes(target) == self.hashes:
            return target
        content = io.BytesIO(packed())
        with (
            making_folder(target) as made,
            tarfile.open(fileobj=content, encoding="utf-8") as archive,
        ):
            archive.extractall(made, filter="data")
        if file_hashes(target) != self.hashes:
            raise ValueError(
                f"{target}: expected the files of {self.folder}, found others; delete this folder"
            )
        return target
