"""The pages of the documentation, their code blocks, and the command lines in them."""

import re
import shlex

from tests.places import ROOT
from vqa import cli

DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
PAGES.remove(DOCS / "STYLE.md")
OWN_CODE = DOCS / "guides" / "own-code.md"

BLOCK = re.compile(r"^```(\w*)(?: title=\"([^\"]+)\")?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")


def page_name(page):
    return page.relative_to(ROOT).as_posix()


def blocks(page, *languages):
    """Titles and texts of a page's code blocks."""
    found = BLOCK.findall(page.read_text(encoding="utf-8"))
    return [(title, text) for language, title, text in found if language in languages]


def prose(page):
    return BLOCK.sub("", page.read_text(encoding="utf-8"))


def commands(page):
    """Command lines of a page as words, with placeholders such as <run> filled in."""
    lines = [
        line
        for _, text in blocks(page, "bash")
        for line in text.replace("\\\n", " ").splitlines()
        if not line.startswith("#")
    ]
    lines += [code for code in INLINE.findall(prose(page)) if re.match(r"vqa \w+ \S", code)]
    for line in lines:
        filled = re.sub(r"\$\w+", "1", re.sub(r"<[^>]*>", "x", line))
        words = shlex.split(filled, comments=True)
        for start, end in pairs_between(words, "&&"):
            yield words[start:end]


def pairs_between(words, separator):
    ends = [place for place, word in enumerate(words) if word == separator] + [len(words)]
    return zip([0, *(end + 1 for end in ends[:-1])], ends, strict=True)


def vqa_words(words):
    """A verb and its arguments, if the command is one of vqa's; else None."""
    if words[:3] == ["python", "-m", "vqa"]:
        return words[3:]
    if words[:1] == ["python"] and words[1].removesuffix(".py") in cli.HYDRA_VERBS:
        return [words[1].removesuffix(".py"), *words[2:]]
    for place, word in enumerate(words[:-1]):
        # The name of a program or, after `docker run`, of an image.
        if word == "vqa" and (place == 0 or words[:2] == ["docker", "run"]):
            return words[place + 1 :]
    return None
