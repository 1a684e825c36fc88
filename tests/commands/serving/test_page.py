"""The page of the service in a real browser: drop, progress, result, comparison, errors."""

from contextlib import contextmanager
from dataclasses import replace

import pytest
from PIL import Image

from tests.commands.serving.listening import listening
from tests.reports.browser import BROWSER

pytest.importorskip("fastapi")
playwright = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium or google-chrome is installed")

FACTS = {
    "name": "made-up", "scale": [1, 5], "scale_is": "the MOS scale of nothing", "level": 0.9,
    "opinions": [1 + 4 * k / 100 for k in range(101)], "notes": [], "timeline": "of frames",
}  # fmt: skip
NAME = "<b>bold & 'quoted' مرحبا.mp4"


def row(score, effects):
    causes = [
        {"kind": kind, "effect": effect, "removed": score - effect, "text": f"{kind}: told"}
        for kind, effect in effects.items()
    ]
    quality = [score - 0.4, score, score + 0.4]
    main = {"kind": "noise", "text": "main cause: noise"}
    return {
        "video": "as sent", "score": score, "interval": [score - 0.5, score + 0.5], "level": 0.9,
        "percentile": 40.0, "frames": 90, "times_s": [0.5, 1.5, 2.5], "frame_quality": quality,
        "timeline": "of frames", "note": "", "weights": "none",
        "explanation": {
            "causes": causes, "moments": [{"time_s": 0.5, "quality": score - 0.4}],
            "descriptions": [], "maps": [], "remarks": ["the picture is dark"],
        } | ({"main_cause": main} if causes else {}),  # rows of older services have no such key
    }  # fmt: skip


class Server:
    """A service on a port of this machine; the tests are its workers."""

    def __init__(self, folder):
        from vqa.commands.serving.crew import Crew
        from vqa.commands.serving.jobs import Jobs
        from vqa.commands.serving.limits import Limits
        from vqa.commands.serving.measures import Measures
        from vqa.commands.serving.service import Service

        self.jobs = Jobs(folder)
        limits, measures = Limits(max_bytes=10_000, queue=20, reserve_bytes=0), Measures()
        crew = Crew(self.jobs, limits, {}, (), measures)  # never starts: the tests score
        crew.facts = FACTS
        self.service = Service(self.jobs, crew, limits, measures)
        self.url = ""

    def finish(self, score, effects):
        job = self.jobs.take(20)
        self.jobs.done(job, row(score, effects), [])
        return job


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    made = Server(tmp_path_factory.mktemp("jobs"))
    with listening(made.service) as port:
        made.url = f"http://127.0.0.1:{port}/"
        yield made


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield opened
        opened.close()


@contextmanager
def visited(browser, server, path="", faults=0, ready="made-up scores it", **options):
    """Open the page; afterwards check the console, and that nothing went elsewhere."""
    context = browser.new_context(**options)
    page = context.new_page()
    told, asked = [], []
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(server.url + path)
    page.get_by_text(ready).wait_for()
    yield page
    assert len(told) == faults, told
    assert all(url.startswith((server.url, "blob:", "data:")) for url in asked)
    context.close()


def video(name="clip.mp4", size=100):
    return {"name": name, "mimeType": "video/mp4", "buffer": b"x" * size}


def test_drop_progress_result_and_reload(browser, server):
    with visited(browser, server) as page:
        # A real drop: a file in a DataTransfer, on the label.
        transfer = page.evaluate_handle(
            """(name) => { const data = new DataTransfer();
            data.items.add(new File(["content"], name)); return data; }""",
            NAME,
        )
        page.dispatch_event("#drop", "drop", {"dataTransfer": transfer})
        card = page.get_by_role("article")
        card.get_by_text("Next in the queue").wait_for()
        assert page.locator("b", has_text="bold").count() == 0  # names are text
        job = server.jobs.take(20)
        card.get_by_text("Being scored").wait_for()
        server.jobs.told(job, 30, 90)
        card.get_by_text("Scored 30 of 90 frames").wait_for()
        server.jobs.done(job, row(3.21, {"noise": -0.4, "motion": 0.2}), [])
        card.get_by_text("3.21").wait_for()
        assert NAME in card.get_by_role("heading", level=3).inner_text()
        card.get_by_text("90 % interval 2.71 to 3.71").wait_for()
        drawing = card.get_by_role("img", name="Score 3.21 on a scale from 1 to 5")
        assert "interval 2.71 to 3.71" in drawing.get_attribute("aria-label")
        assert card.get_by_role("row", name="noise −0.40").count() == 1
        told = card.locator(".told p").all_inner_texts()
        assert told == ["main cause: noise", "the picture is dark"]
        slider = card.get_by_role("slider", name="Moment of the video")
        slider.press("ArrowRight")
        card.get_by_text("1.50 s: quality 3.21").wait_for()
        assert page.locator("#spoken").inner_text().endswith("score 3.21")
        page.reload()
        page.get_by_text("90 % interval 2.71 to 3.71").wait_for()


def test_two_videos_are_compared(browser, server):
    with visited(browser, server, viewport={"width": 390, "height": 800}) as page:
        page.set_input_files("#file", [video("a.mp4"), video("b.mp4")])
        names = [server.finish(score, {"noise": score - 3.5}).name for score in (3.0, 4.5)]
        better = names[1]
        page.get_by_text(f"{better} scores 1.50 higher than {names[0]}.").wait_for()
        page.get_by_text("Their intervals do not overlap.").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.get_by_role("button", name="Remove a.mp4").click()
        page.get_by_role("heading", name="Comparison").wait_for(state="hidden")


def test_the_keyboard_alone_sends_and_cancels(browser, server):
    with visited(browser, server) as page:
        # Asked for early: a browser told at the moment of the key may open its own dialog first.
        page.on("filechooser", lambda chosen: None)
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id") == "file"
        with page.expect_file_chooser() as chooser:
            page.keyboard.press("Enter")
        chooser.value.set_files(video())
        page.get_by_text("Next in the queue").wait_for()
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Cancel"
        page.keyboard.press("Enter")
        page.get_by_role("article").wait_for(state="detached")
        assert page.evaluate("document.activeElement.id") == "file"
    assert not server.jobs.waiting()


def test_errors_say_what_helps(browser, server):
    with visited(browser, server, color_scheme="dark") as page:
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 24, 29)"
        page.set_input_files("#file", video(size=20_000))  # refused before it is sent
        page.get_by_text("send a shorter or smaller file").wait_for()
        page.set_input_files("#file", video("bad.mp4"))
        page.get_by_text("Next in the queue").wait_for()
        server.jobs.fail(server.jobs.take(20), "no_score", "bad.mp4: is no video", "send a video")
        page.get_by_text("bad.mp4: is no video.").wait_for()
        page.get_by_text("What helps: send a video.").wait_for()


def test_a_full_queue_is_waited_for(browser, server, monkeypatch):
    monkeypatch.setattr(server.service, "limits", replace(server.service.limits, queue=2))
    monkeypatch.setattr(server.service.crew, "seconds_to_come_back", lambda: 1)
    with visited(browser, server, faults=1) as page:  # the browser itself notes the 429
        page.set_input_files("#file", video("1.mp4"))
        page.get_by_text("Next in the queue").wait_for()
        page.set_input_files("#file", video("2.mp4"))
        page.get_by_text("Waiting: 1 before it").wait_for()
        with page.expect_response(lambda one: one.status == 429):
            page.set_input_files("#file", video("3.mp4"))
        page.get_by_text("the queue is full: 2 jobs wait: sent again in").wait_for()
        server.finish(2.0, {})
        server.finish(2.0, {})
        server.finish(2.5, {})
        page.get_by_text("2.50").first.wait_for()


def test_many_waiting_videos_leave_connections_for_others(browser, server):
    with visited(browser, server) as page:
        waiting, most = set(), []
        page.on("request", lambda one: "wait" in one.url and waiting.add(one.url))
        page.on("request", lambda one: most.append(len(waiting)))
        page.on("requestfinished", lambda one: waiting.discard(one.url))
        page.set_input_files("#file", [video(f"{k}.mp4") for k in range(5)])
        page.get_by_text("Waiting: 4 before it").wait_for()
        with page.expect_request("**?wait=*"):  # as soon as three are left
            for _ in range(2):
                server.finish(3.5, {})
        for _ in range(3):
            server.finish(3.5, {})
        page.get_by_text("3.50", exact=True).nth(4).wait_for()
        assert 1 <= max(most) <= 3


def test_a_lost_connection_is_tried_again(browser, server):
    with visited(browser, server, faults=1) as page:
        page.route("**/v1/jobs/*", lambda route: route.abort(), times=1)
        page.set_input_files("#file", video())
        page.get_by_text("the service cannot be reached; it is tried again").wait_for()
        server.finish(4.25, {})
        page.get_by_text("4.25").first.wait_for()


def test_a_service_with_a_token_asks_for_it(browser, server):
    server.service.token = "s3cret"
    try:
        with visited(browser, server, faults=2, ready="This service needs a token") as page:
            secret = page.get_by_label("This service needs a token")
            secret.fill("wrong")
            secret.press("Enter")
            page.get_by_text("This token was not accepted.").wait_for()
            secret.fill("s3cret")
            secret.press("Enter")
            page.get_by_text("The model made-up scores it").wait_for()
            assert page.evaluate("document.activeElement.id") == "file"
            page.set_input_files("#file", video())
            server.finish(1.75, {})
            page.get_by_text("1.75").first.wait_for()
    finally:
        server.service.token = ""


def test_pictures_of_moments_and_of_maps_have_their_headings(browser, server):
    with visited(browser, server, viewport={"width": 390, "height": 500}) as page:
        page.set_input_files("#file", video())
        job = server.jobs.take(20)
        shown = [{"title": "quality 2.35", "time_s": 0.5}, {"title": "local quality", "time_s": 1}]
        for number in range(len(shown)):
            Image.new("RGB", (16, 9)).save(server.jobs.path(job.id, f"{number}.jpg"))
        server.jobs.done(job, row(2.75, {}), shown)
        for heading, words in (
            ("Worst moments", "quality 2.35, at 0.5 s"),
            ("Maps", "local quality"),
        ):
            page.get_by_role("heading", name=heading).wait_for()
            image = page.get_by_role("img", name=f"Frame of clip.mp4: {words}")
            page.wait_for_function("(one) => one.naturalWidth === 16", arg=image.element_handle())


def test_a_link_in_an_open_page_shows_its_result(browser, server):
    with visited(browser, server) as page:
        page.set_input_files("#file", video("first.mp4"))
        server.finish(2.25, {})
        page.get_by_text("2.25", exact=True).wait_for()
        assert page.locator(".told p").all_inner_texts() == ["the picture is dark"]
        link = page.evaluate("location.hash")
        page.get_by_role("button", name="Remove first.mp4").click()
        page.evaluate("(link) => { location.hash = link; }", link)
        page.get_by_text("2.25", exact=True).wait_for()


def test_unknown_jobs_and_a_stranger_in_the_address(browser, server):
    with visited(browser, server, "#job=" + "0" * 32 + ",<script>", faults=1) as page:
        page.get_by_text("no job has this id.").wait_for()
        assert page.get_by_role("article").count() == 1
