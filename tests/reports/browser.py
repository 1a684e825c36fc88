"""Open pages in headless Chromium and examine them."""

import html
import json
import re
import shutil
import subprocess

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-extensions", "--hide-scrollbars", "--enable-logging=stderr", "--v=0",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)  # fmt: skip

REPORT = """document.body.append(Object.assign(
  document.createElement("pre"), { id: "found", textContent: JSON.stringify(found) }));"""


def browse(page, profile, *flags):
    """Return Chromium's output for a page, and the lines of its console."""
    command = [BROWSER, *FLAGS, f"--user-data-dir={profile}", *flags, page.as_uri()]
    for patience_s in (60, 180):  # on a busy machine it sometimes hangs while it starts
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=patience_s, check=True
            )
            return done.stdout, re.findall(r".*CONSOLE.*", done.stderr)
        except subprocess.TimeoutExpired:
            continue
    raise TimeoutError(f"{BROWSER} does not end on {page}")


def examine(page, script, profile, *flags):
    """Return what a script finds in a page; it uses our script's functions and fills `found`."""
    text = page.read_text()
    # The content policy of the page allows no second script.
    text = re.sub(r"script-src '[^']*'", "script-src 'unsafe-inline'", text)
    copy = page.with_name(f"examined-{page.name}")
    body = f"<script>const found = {{}};\n{script}\n{REPORT}</script>\n</body>"
    copy.write_text(text.replace("</body>", body))
    return _found(copy, profile, *flags)


def examine_without_scripts(page, script, profile):
    """Return what an outer script finds in a page (`inner`, a document) with its scripts off."""
    frame = profile / "frame.html"
    frame.write_text(
        f"""<!doctype html><body>
        <iframe sandbox="allow-same-origin" src="{page.as_uri()}" width="1200"></iframe>
        <script>addEventListener("load", () => {{
        const found = {{}}, inner = document.querySelector("iframe").contentDocument;
        {script}\n{REPORT} }});</script></body>"""
    )
    return _found(frame, profile, "--allow-file-access-from-files")


def _found(page, profile, *flags):
    dom, console = browse(page, profile, "--dump-dom", *flags)
    found = re.search(r'<pre id="found">(.*?)</pre>', dom, re.DOTALL)
    assert found, f"the examining script did not end: {console}"
    return json.loads(html.unescape(found[1])), console
