"""The words, attributes and headings of a page."""

import re
from html.parser import HTMLParser

VOID = {"meta", "link", "img", "input", "br", "hr"}


class Page(HTMLParser):
    """The text and attributes of a page; refuses tags that do not close."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.html = html
        self.stack, self.attributes, self.text, self.headings = [], [], [], []
        self.feed(html)
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag, attrs):
        self.attributes += [(tag, name, value) for name, value in attrs]
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        if self.stack and self.stack[-1] not in ("script", "style"):
            self.text.append(data)

    def words(self):
        return " ".join(" ".join(self.text).split())

    def values(self, wanted):
        """All values of an attribute, whatever the tag."""
        return [value for _, name, value in self.attributes if name == wanted]


def assert_well_made(page, drawings=True):
    """Check what holds for every page: no outside requests, valid ids and headings, labels."""
    assert "http://" not in page.html
    assert "https://" not in page.html
    assert "@import" not in page.html
    for name in ("src", "srcset", "data", "poster"):
        assert all(value.startswith("data:") for value in page.values(name)), name
    asked = page.values("href")
    assert asked
    assert not [value for value in asked if re.match(r"[a-z]+:|//", value) and value != "data:,"]
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", page.html))

    ids = page.values("id")
    assert len(ids) == len(set(ids))
    inside = {value[1:] for value in asked if value.startswith("#")}
    inside |= set(page.values("aria-labelledby"))
    assert inside <= set(ids)

    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    jumps = [b - a for a, b in zip(page.headings, page.headings[1:], strict=False)]
    assert max(jumps) <= 1

    scrolling = [value for tag, name, value in page.attributes if (tag, name) == ("svg", "role")]
    labels = [value for tag, name, value in page.attributes if (tag, name) == ("svg", "aria-label")]
    assert len(scrolling) == len(labels)
    assert bool(labels) == drawings
    assert all(labels)
