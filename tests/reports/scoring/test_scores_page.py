"""The page of a scoring job: complete, escaped, self-contained, bounded."""

import re
import tracemalloc

import pytest

from tests.clips import write_clip
from tests.reports.html_page import Page, assert_well_made
from tests.reports.scoring.job_rows import HOSTILE, MODEL, many, row
from vqa.reports.scoring import page as module
from vqa.reports.scoring.page import write_page


def written(path, rows, **changes):
    write_page(path, iter(rows), model=MODEL | changes, command="vqa score 'a<b' --html x.html")
    html = path.read_text()
    page = Page(html)
    assert_well_made(page)
    return html, page.words()


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    folder = tmp_path_factory.mktemp("job")
    clip = write_clip(folder / "clip.mp4", 30)
    quality = [3.0] * 10 + [1.5] * 3 + [3.0] * 17
    rows = [
        row(str(clip), 3.25, quality, note="size <outside> those in training"),
        row(str(folder / "gone.mp4"), 2.0, quality[::-1]),
        row(str(folder / "sub" / HOSTILE), 4.5, note=HOSTILE),
        row(str(folder / "bad.mp4"), None, error="truncated after <41> frames"),
    ]
    return written(folder / "page.html", rows)


def test_head(job):
    _, words = job
    assert "3 videos scored by ugc" in words
    assert "Median score 3.25 on a scale of 1 to 5, where higher is better" in words
    assert "half of the videos lie between 2.62 and 3.88" in words
    assert "Trained on <user> videos." in words
    assert "1 of 4 files could not be scored." in words
    assert "MOS in training" in words
    assert "vqa score 'a<b' --html x.html" in words


def test_every_video_is_in_the_table_the_lowest_first(job):
    html, words = job
    names = re.findall(r'class="video">.*?>([^<>]+)</(?:a|span)></div>', html)
    assert names[:2] == ["gone.mp4", "clip.mp4"]
    assert "2.65 to 3.85" in words
    assert "size <outside> those in training" in words
    assert "--a:41;--b:71;--s:56" in html
    assert 'class="number">56</td>' in html  # the percentile of 3.25


def test_worst_moments_of_each_video_with_a_timeline(job):
    html, words = job
    assert html.count('<figure class="case"') == 2
    assert 'alt="Frame of clip.mp4 at 1.0 s"' in html
    assert html.count("data:image/webp") == 1 + 3
    assert "Frame quality: the score of each second." in words
    assert 'href="#video-1"' in html


def test_a_file_that_is_gone_costs_only_its_picture(job):
    _, words = job
    assert "2 videos have no picture because the file is gone" in words


def test_failures_have_their_own_section(job):
    _, words = job
    assert "Files that failed 1" in words
    assert "bad.mp4 truncated after <41> frames" in words


def test_hostile_names_are_text(job):
    html, words = job
    assert HOSTILE in words
    assert html.count("<script>") == 1
    assert "<script>document" not in html


def test_ten_thousand_videos_stay_bounded(tmp_path, monkeypatch):
    for name, most in (("ROWS", 900), ("THUMBNAILS", 40), ("CARDS", 4), ("FAILURES", 3)):
        monkeypatch.setattr(module, name, most)
    tried = []
    monkeypatch.setattr(module, "stills", lambda path, *_: tried.append(path) or [])
    failed = (row(f"/v/f{n}.mp4", None, error="cut") for n in range(5))
    html, words = written(tmp_path / "p.html", [*many(1000), *failed])
    assert html.count('class="video"') == 900
    assert html.count('<figure class="case"') == 4
    assert 40 <= len(tried) <= 44
    assert tried[:20] == [f"/v/{n:05d}.mp4" for n in range(20)]
    assert "900 of 1000 videos are on this page: the lowest scores and an even sample" in words
    assert "4 of 900 videos: the lowest scores and an even sample of the others" in words
    assert "Files that failed 5" in words
    assert "The first 3 are listed." in words
    assert len(html) / 900 < 1500  # characters


def test_rows_are_read_as_a_stream(tmp_path, monkeypatch):
    """Timelines of any length are not kept."""
    monkeypatch.setattr(module, "CARDS", 1)

    def long():
        for number in range(12):
            yield row(f"/v/{number}.mp4", 3.0, [3.0] * 20_000)

    written(tmp_path / "warm.html", many(3))
    tracemalloc.start()
    written(tmp_path / "p.html", long())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6e6  # of 12 * 20,000 * 2 numbers, 24 bytes the time and 8 the quality


@pytest.mark.parametrize(
    ("scores", "changes", "text"),
    [
        ([], {}, "No file could be scored."),
        ([3.0], {}, "Score 3.00 on a scale of 1 to 5, where higher is better."),
        ([3.0, 3.0], {"opinions": None}, "Median score 3.00"),
        ([-8.0, 70.0], {"scale": None}, "on a scale without fixed ends, where higher is better"),
        ([6.0, 3.0], {}, "1 of 2 scores lie outside the scale: the model extrapolates."),
    ],
)
def test_unusual_jobs(tmp_path, scores, changes, text):
    rows = [row(f"/v/{n}.mp4", score, interval=None) for n, score in enumerate(scores)]
    rows = rows or [row("/v/a.mp4", None, error="cut")]
    path = tmp_path / "p.html"
    write_page(path, rows, model=MODEL | changes, command="")
    assert text in Page(path.read_text()).words()


def test_a_model_without_intervals_has_no_such_column(tmp_path):
    rows = [row("/v/a.mp4", 3.0, interval=None, percentile=None), row("/v/b.mp4", 4.0)]
    _, words = written(tmp_path / "p.html", rows[:1] * 2)
    assert "90 % interval" not in words
    assert "Percentile" not in words
    _, words = written(tmp_path / "p.html", rows)
    assert "90 % interval" in words
