"""Uploads that are slow."""

import asyncio

import pytest

pytest.importorskip("python_multipart")

from vqa.commands.serving.limits import Limits, Refusal
from vqa.commands.serving.receiving import paced


async def read(pauses, limits, size=1):
    async def body():
        for pause in pauses:
            await asyncio.sleep(pause)
            yield b"x" * size

    return [data async for data in paced(body(), limits, 10**6, lambda count: None)]


def status(pauses, **limits):
    with pytest.raises(Refusal) as refusal:
        asyncio.run(read(pauses, Limits(**limits)))
    return refusal.value.status


def test_silent_trickling_and_endless_clients_are_cut_off():
    assert status([0, 60], idle_s=0.05) == 408
    assert status([0.02] * 50, idle_s=0.1, slowest_bytes_s=10_000) == 408
    assert status([0.02] * 50, idle_s=10, upload_s=0.1) == 408


def test_quick_clients_are_not():
    assert len(asyncio.run(read([0] * 20, Limits()))) == 20
