"""The flags of `vqa serve`; imports nothing heavy, because every command builds them."""

import argparse
from importlib import import_module
from importlib.util import find_spec

from vqa.commands import model_flags
from vqa.commands.rules import above, flag, number, text, whole

PACKAGES = ("fastapi", "uvicorn", "python_multipart", "prometheus_client")
HOST = text(
    "a host, *.host, or http://host:port", r"(https?://)?(\*\.)?[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?"
)
EPILOG = """\
examples:
  vqa serve                                  the embedded model on http://127.0.0.1:8000
  vqa serve runs/<run> --port 9000 --workers 4
  vqa serve --host 0.0.0.0 --token-file token.txt --allow-url videos.example.org
  curl -F file=@clip.mp4 http://127.0.0.1:8000/v1/jobs

Jobs are kept in a folder, so a service that was killed resumes them at the next start."""


def add(serve: argparse.ArgumentParser) -> None:
    """Add the flags, and the job that they describe."""
    serve.add_argument(
        "model", nargs="?", default="ugc",
        help="run or model folder, embedded model, or hf://owner/name (default: ugc)",
    )  # fmt: skip
    model = serve.add_argument_group("model")
    model_flags.add_weights(model)
    model_flags.add_device(model)
    model.add_argument(
        "--workers", type=flag(whole(1, 64), int), default=1, metavar="N",
        help="N videos at the same time, each in a process with the model; several GPUs are used "
        "in turn (default: 1)",
    )  # fmt: skip
    model_flags.add_damaged(model)
    model_flags.add_trust(model)
    place = serve.add_argument_group("where it listens, and who may use it")
    place.add_argument("--host", default="127.0.0.1", help="(default: 127.0.0.1)")
    place.add_argument(
        "--port", type=flag(whole(0, 65535), int), default=8000, help="(default: 8000)"
    )
    place.add_argument(
        "--token-file", metavar="FILE",
        help="clients must send the token in this file (default: that of VQA_TOKEN, if it is set)",
    )  # fmt: skip
    place.add_argument(
        "--allow-url", action="append", default=[], metavar="HOST", type=flag(HOST, str),
        help="videos may be copied from this host; repeat for more (default: none)",
    )  # fmt: skip
    limits = serve.add_argument_group("limits")
    limits.add_argument(
        "--folder", default="vqa-jobs", metavar="FOLDER", help="of the jobs (default: vqa-jobs)"
    )
    limits.add_argument(
        "--max-mb", type=flag(above(0, 1e6), float), default=500.0, metavar="MB",
        help="largest video file (default: 500)",
    )  # fmt: skip
    limits.add_argument(
        "--max-video-seconds", type=flag(above(0, 1e6), float), default=600.0, metavar="S",
        help="longest video (default: 600)",
    )  # fmt: skip
    limits.add_argument(
        "--job-seconds", type=flag(above(0, 1e6), float), default=900.0, metavar="S",
        help="a video that takes longer fails (default: 900)",
    )  # fmt: skip
    limits.add_argument(
        "--queue", type=flag(whole(1, 10**5), int), default=100, metavar="N",
        help="videos that may wait (default: 100)",
    )  # fmt: skip
    limits.add_argument(
        "--keep-hours", type=flag(number(0, 1e5), float), default=24.0, metavar="H",
        help="keep results so long (default: 24)",
    )  # fmt: skip
    serve.set_defaults(job=run)


def run(given: argparse.Namespace) -> int:
    """Start the service that the flags describe."""
    from vqa.commands.configuration import UsageError

    for name in PACKAGES:
        if find_spec(name) is None:
            raise UsageError(
                f"vqa serve: expected the package {name}, found none; pip install 'vqa[serve]'"
            )
    model_flags.check_weights(given)
    status: int = import_module("vqa.commands.serving.command").main(
        given.model,
        scoring={
            "weights": given.weights, "backbone_weights": given.backbone_weights,
            "device": given.device, "damaged": given.damaged, "trust": given.trust,
        },
        host=given.host,
        port=given.port,
        folder=given.folder,
        workers=given.workers,
        allowed=given.allow_url,
        token_file=given.token_file,
        limits={
            "max_bytes": int(given.max_mb * 10**6), "max_video_s": given.max_video_seconds,
            "job_s": given.job_seconds, "queue": given.queue, "keep_s": given.keep_hours * 3600,
        },
    )  # fmt: skip
    return status
