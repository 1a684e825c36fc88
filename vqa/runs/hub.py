"""Model folders on the Hugging Face Hub: `hf://owner/name`, or `hf://owner/name@revision`.

A download takes only the files that a model folder has, into the cache of huggingface_hub, and
compares them with the manifest of the folder. What is in the cache is used without a network. The
token for private models is that of `hf auth login`, or the environment variable HF_TOKEN.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Self

from vqa.files import write_atomically
from vqa.runs.errors import RunError
from vqa.runs.hashes import check, file_hashes
from vqa.runs.packing import PARTS, TEXTS
from vqa.runs.stored import read_object

PREFIX = "hf://"
# A path object keeps one of two slashes.
START = re.compile(r"hf://?")
HEADS = ("config.yaml", "environment.json", "manifest.json", "README.md")
FILES = (*HEADS, *TEXTS, *(f"*/{name}" for name in PARTS), "weights/*")
# What the hub finds models by, at the head of the card.
FRONT_MATTER = """\
---
library_name: vqa
tags:
- video-quality-assessment
- no-reference
---

"""


class Address(NamedTuple):
    """A model on the hub.

    Attributes:
        repository: Owner and name.
        revision: Branch, tag or commit; None is the latest commit of the main branch.
    """

    repository: str
    revision: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `hf://owner/name[@revision]`.

        Raises:
            RunError: The text is something else.

        Examples:
            >>> from vqa.runs.hub import Address
            >>> Address.parse("hf://someone/quality@v2")
            Address(repository='someone/quality', revision='v2')
        """
        repository, at, revision = START.sub("", text, count=1).partition("@")
        name = r"\w(?:[\w.-]*\w)?"
        if not re.fullmatch(f"{name}/{name}", repository, re.ASCII) or (at and not revision):
            raise RunError(f"{text}: expected hf://owner/name or hf://owner/name@revision")
        return cls(repository, revision or None)

    def __str__(self) -> str:
        return PREFIX + self.repository + (f"@{self.revision}" if self.revision else "")


def is_address(place: str | Path) -> bool:
    """Return whether a place names a model on the hub."""
    return START.match(str(place)) is not None


def download(address: Address) -> Path:
    """Return the folder of a model in the cache of the hub, downloaded if it is not there.

    Raises:
        RunError: There is no such model, no network and no copy, or the files are not those that
            its manifest lists.
    """
    from huggingface_hub import snapshot_download

    with _one_line_errors(address):
        place = snapshot_download(
            address.repository, revision=address.revision, allow_patterns=list(FILES)
        )
    folder = Path(place)
    if not (folder / "config.yaml").is_file():
        raise RunError(
            f"{address} is no model folder: it has no config.yaml; expected what vqa pack writes"
        )
    manifest: Mapping[str, str] = read_object(folder / "manifest.json") or {}
    listed = {name for name in manifest if any(Path(name).match(one) for one in FILES)}
    check(folder, manifest, sorted({*file_hashes(folder), *listed}))
    return folder


def upload(folder: Path, address: Address, *, private: bool | None = None) -> str:
    """Upload a model folder to the hub, in place of the one that is there, in one commit.

    Args:
        folder: The model folder; its card gets a header for the hub if it has none.
        address: A new or existing model; its revision must be an existing branch.
        private: Whether a new model is private; None leaves it to the settings of the account.

    Returns:
        The page of the model.

    Raises:
        RunError: There is no network, no permission, or the hub refuses the files.
    """
    from huggingface_hub import HfApi

    card = folder / "README.md"
    text = card.read_text(encoding="utf-8") if card.is_file() else ""
    if not text.startswith("---\n"):
        write_atomically(card, FRONT_MATTER + text)
    with _one_line_errors(address):
        api = HfApi()
        page = api.create_repo(address.repository, private=private, exist_ok=True)
        api.upload_folder(
            repo_id=address.repository,
            folder_path=folder,
            revision=address.revision,
            commit_message="Model folder of vqa",
            allow_patterns=list(FILES),
            delete_patterns=list(FILES),
        )
    return str(page)


@contextmanager
def _one_line_errors(address: Address) -> Iterator[None]:
    """Report whatever goes wrong with the hub in one line with a remedy.

    Raises:
        RunError: Something went wrong.
    """
    from huggingface_hub import errors

    page = f"{_endpoint()}/{address.repository}"
    login = "log in with `hf auth login`, or set HF_TOKEN"
    try:
        yield
    except errors.GatedRepoError as error:
        raise RunError(f"{address} is gated: ask for access at {page} and {login}") from error
    except errors.RevisionNotFoundError as error:
        raise RunError(f"{address}: {page} has no such branch, tag or commit") from error
    except errors.RepositoryNotFoundError as error:
        raise RunError(
            f"{address}: {page} does not exist or is private; check the name, and {login} if it is "
            "private"
        ) from error
    except (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled) as error:
        raise RunError(
            f"{address}: {page} cannot be reached and the cache has no complete copy; download it "
            "with a network first (and without HF_HUB_OFFLINE)"
        ) from error
    except errors.HfHubHTTPError as error:
        status = error.response.status_code
        if status in (401, 403):
            raise RunError(f"{address}: you may not do that at {page}; {login}") from error
        raise RunError(f"{address}: {page} answers with HTTP status {status}") from error
    except Exception as error:  # of the network or of the cache; the hub's client has many kinds
        cause = " ".join(str(error).split())[:200]
        raise RunError(f"{address}: {page}: {type(error).__name__}: {cause}") from error


def _endpoint() -> str:
    from huggingface_hub import constants

    return constants.ENDPOINT
