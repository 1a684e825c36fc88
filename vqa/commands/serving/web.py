"""The addresses of the service; see the guide for what each answers."""

import asyncio
import hmac
import json
import logging
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib import resources
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from vqa import __version__
from vqa.commands.serving.fetching import checked
from vqa.commands.serving.jobs import CANCELLED, ENDED, Job
from vqa.commands.serving.limits import Refusal, too_large
from vqa.commands.serving.receiving import (
    OVERHEAD_BYTES,
    FilePart,
    check_space,
    content_kind,
    drained,
    paced,
)
from vqa.commands.serving.service import Service
from vqa.remote.addresses import public

LONGEST_WAIT_S = 60.0
MOST_JSON_BYTES = 16 * 1024
READ = ["GET", "HEAD"]
SCRIPTS = ("app.js", "api.js", "drawing.js", "result.js")
PAGE = dict.fromkeys(SCRIPTS, "text/javascript") | {"style.css": "text/css"}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
LOG = logging.getLogger("vqa.serving")


def app_of(service: Service) -> FastAPI:
    """Return the application."""
    app = FastAPI(title="vqa", version=__version__, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_api_route("/v1/jobs", _with(service, _post), methods=["POST"])
    app.add_api_route("/v1/jobs/{id_}", _with(service, _get), methods=READ)
    app.add_api_route("/v1/jobs/{id_}", _with(service, _delete), methods=["DELETE"])
    app.add_api_route("/v1/jobs/{id_}/pictures/{number}", _with(service, _picture), methods=READ)
    app.add_api_route("/v1/model", _with(service, _model), methods=READ)
    app.add_api_route("/healthz", _with(service, _health), methods=READ)
    app.add_api_route("/metrics", _with(service, _metrics), methods=READ)
    app.add_api_route("/", _with(service, _page), methods=READ)
    app.add_api_route("/page/{name}", _with(service, _page_file), methods=READ)

    @app.middleware("http")
    async def guarded(
        request: Request, answer: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        try:
            if request.url.path.startswith("/v1/") and not _may(request, service.token):
                raise Refusal(
                    401, "expected the token of the service",
                    "send it as Authorization: Bearer <token>", {"WWW-Authenticate": "Bearer"},
                )  # fmt: skip
            response = await answer(request)
        except Refusal as refusal:
            response = _refused(service, refusal)
        response.headers.update(HEADERS)
        return response

    @app.exception_handler(Refusal)
    async def refused(request: Request, refusal: Refusal) -> Response:
        return _refused(service, refusal)

    @app.exception_handler(HTTPException)
    async def unknown(request: Request, error: HTTPException) -> Response:
        words = {404: "no such address", 405: "this address does not take this method"}
        text = words.get(error.status_code, str(error.detail))
        headers = dict(error.headers or {})
        remedy = "see the addresses in the guide of the service"
        return _refused(service, Refusal(error.status_code, text, remedy, headers))

    @app.exception_handler(Exception)
    async def broken(request: Request, error: Exception) -> Response:
        LOG.error("%s %s: %s", request.method, request.url.path, type(error).__name__)
        remedy = "try again; the log of the service names the error"
        response = _refused(service, Refusal(500, "the service made an error", remedy))
        response.headers.update(HEADERS)
        return response

    return app


def _with(
    service: Service, answer: Callable[[Service, Request], Awaitable[Response]]
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        return await answer(service, request)

    return endpoint


def _may(request: Request, token: str) -> bool:
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    fits = hmac.compare_digest(given.strip().encode("latin-1"), token.encode())
    return not token or (kind.lower() == "bearer" and fits)


async def _post(service: Service, request: Request) -> Response:
    body = request.stream()
    try:
        job = await _accepted(service, request, body)
    except Refusal as refusal:
        await drained(body)
        refusal.headers.setdefault("Connection", "close")
        raise
    entry = service.entry(job)
    return _json(entry, 202, {"Location": f"/v1/jobs/{job.id}"})


async def _accepted(service: Service, request: Request, body: AsyncIterator[bytes]) -> Job:
    service.check_open()
    kind, boundary = content_kind(request.headers.get("content-type", ""))
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > service.limits.max_bytes + OVERHEAD_BYTES:
        raise too_large(service.limits)
    check_space(service.jobs.folder, service.limits)
    if kind == "application/json":
        return await _of_address(service, body)
    async with _upload(service) as id_:
        begun = time.monotonic()
        part = FilePart(service.jobs.folder / id_, boundary, service.limits)
        most = service.limits.max_bytes + OVERHEAD_BYTES
        try:
            async for data in paced(body, service.limits, most, service.measures.received.inc):
                part.write(data)
            await asyncio.to_thread(part.finish)
        finally:
            part.close()
        service.measures.upload_s.observe(time.monotonic() - begun)
        return await asyncio.to_thread(service.jobs.add, id_, part.name, file=part.file)


@asynccontextmanager
async def _upload(service: Service) -> AsyncIterator[str]:
    """Yield the id of an upload; a failed one leaves nothing behind."""
    id_ = service.jobs.begin()
    service.uploads += 1
    try:
        yield id_
    except BaseException as error:
        service.jobs.drop(id_)
        if isinstance(error, ClientDisconnect):
            raise Refusal(400, "the upload was cut off", "send the video again") from None
        if isinstance(error, OSError):
            raise Refusal(507, "the video could not be written", "come back later") from None
        raise
    finally:
        service.uploads -= 1


async def _of_address(service: Service, body: AsyncIterator[bytes]) -> Job:
    text = bytearray()
    async for data in paced(body, service.limits, MOST_JSON_BYTES, lambda count: None):
        text += data
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict) or set(content) != {"url"}:
        raise Refusal(400, "expected one address as JSON", 'send {"url": "https://..."}')
    url = content["url"]
    checked(url, service.allowed)
    id_ = service.jobs.begin()
    return await asyncio.to_thread(service.jobs.add, id_, public(url), url=url)


async def _get(service: Service, request: Request) -> Response:
    job = service.job(request.path_params["id_"])
    wait = request.query_params.get("wait")
    if wait is not None:
        if not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,3})?", wait):
            raise Refusal(400, "expected wait as seconds", "send for example wait=20")
        seen = request.query_params.get("state", job.state)
        if seen == job.state:  # else it has changed since the client saw it
            await service.until_changed(job, min(float(wait), LONGEST_WAIT_S))
    return _json(await asyncio.to_thread(service.entry, job))


async def _delete(service: Service, request: Request) -> Response:
    job = service.job(request.path_params["id_"])
    if job.state not in ENDED:
        service.measures.jobs.labels(CANCELLED).inc()
    await asyncio.to_thread(service.jobs.cancel, job)
    return _json(service.entry(job))


async def _picture(service: Service, request: Request) -> Response:
    job, number = service.job(request.path_params["id_"]), request.path_params["number"]
    if re.fullmatch(r"[0-9]{1,4}", number) and int(number) < len(job.pictures):
        path = service.jobs.path(job.id, f"{int(number)}.jpg")
        if path.is_file():
            return Response(await asyncio.to_thread(path.read_bytes), media_type="image/jpeg")
    raise Refusal(404, "the job has no such picture", "see pictures in the job")


async def _model(service: Service, request: Request) -> Response:
    facts = service.crew.facts
    if facts is None:
        raise _no_model(service)
    limits = service.limits
    return _json({
        **facts, "version": __version__,
        "limits": {
            "max_bytes": limits.max_bytes, "max_video_s": limits.max_video_s,
            "job_s": limits.job_s, "queue": limits.queue,
        },
        "urls": list(service.allowed), "needs_token": bool(service.token),
    })  # fmt: skip


async def _health(service: Service, request: Request) -> Response:
    if service.crew.facts is None or service.crew.fault:
        raise _no_model(service)
    if service.stopping:
        raise Refusal(503, "the service stops", "send the video again in a moment")
    return _json({"status": "ok"})


def _no_model(service: Service) -> Refusal:
    reason = service.crew.fault or "the model is being loaded"
    return Refusal(503, reason, "come back in a moment", {"Retry-After": "10"})


async def _metrics(service: Service, request: Request) -> Response:
    text = await asyncio.to_thread(service.measures.text)
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")


async def _page(service: Service, request: Request) -> Response:
    return _file("index.html", "text/html")


async def _page_file(service: Service, request: Request) -> Response:
    name = request.path_params["name"]
    if name not in PAGE:
        raise HTTPException(404)
    return _file(name, PAGE[name])


def _file(name: str, kind: str) -> Response:
    place = resources.files("vqa.commands.serving") / "page" / name
    if not place.is_file():
        raise HTTPException(404)
    return Response(place.read_bytes(), media_type=f"{kind}; charset=utf-8")


def _json(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    text = json.dumps(content, ensure_ascii=False, allow_nan=False) + "\n"
    return Response(text, status, headers, media_type="application/json")


def _refused(service: Service, refusal: Refusal) -> Response:
    service.measures.refused.labels(str(refusal.status)).inc()
    content = {"error": refusal.error, "remedy": refusal.remedy}
    return _json(content, refusal.status, refusal.headers)
