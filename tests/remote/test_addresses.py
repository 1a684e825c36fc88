"""Addresses: what they mean, and that nothing secret of them is shown."""

import subprocess
import sys

import pytest

from vqa.remote.addresses import (
    InTar,
    beside,
    clean,
    expanded,
    in_tar,
    is_elsewhere,
    protocol_of,
    public,
)

SIGNED = "https://host/a.mp4?X-Amz-Signature=5f3a&X-Amz-Credential=AKIA"


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        ("videos/a b.mp4", "videos/a b.mp4"),
        ("a?b#c@d:e.mp4", "a?b#c@d:e.mp4"),
        ("s3://bucket/a?b#c@d.mp4", "s3://bucket/a?b#c@d.mp4"),
        ("abfs://box@account/a.mp4", "abfs://box@account/a.mp4"),
        ("s3://key:word@bucket/a.mp4", "s3://bucket/a.mp4"),
        ("HTTPS://me:word@host/a.mp4#part", "HTTPS://host/a.mp4"),
        (SIGNED, "https://host/a.mp4"),
        ("https://host/x.tar?token=1#tar=512+9/b.mp4", "https://host/x.tar/b.mp4"),
        ("/data/x.tar#tar=512+9/deep/b.mp4", "/data/x.tar/deep/b.mp4"),
    ],
)
def test_no_secret_is_shown(place, shown):
    assert public(place) == shown
    assert public(shown) == shown


def test_texts_are_cleaned_and_paths_in_them_stay():
    text = f"no answer from {SIGNED}, nor https:/me:word@host/b.mp4?token=2"
    assert clean(text) == "no answer from https://host/a.mp4 nor https://host/b.mp4"
    for text in ("a.mp4: /data/me@home/b.mp4: cut", "paths.cache=aa:/b@c", "12:/5"):
        assert clean(text) == text


def test_a_file_in_a_tar_has_an_address_that_reads_back():
    for tar in ("/data/x.tar", "s3://bucket/x.tar", "https://host/x.tar?token=1"):
        one = InTar(tar, "deep/a#tar=1+1/b.mp4", 1536, 77)
        assert in_tar(one.address) == one
        assert is_elsewhere(one.address)
    assert in_tar("x.tar/a.mp4") is None
    assert not is_elsewhere("x.tar/a.mp4")


def test_ranges_stand_for_names():
    assert list(expanded("a-{9..11}/x-{0..1}.tar")) == [
        "a-9/x-0.tar", "a-9/x-1.tar", "a-10/x-0.tar", "a-10/x-1.tar", "a-11/x-0.tar",
        "a-11/x-1.tar",
    ]  # fmt: skip
    assert list(expanded("{a,b}.mp4")) == ["{a,b}.mp4"]
    assert len(list(expanded("x-{000..999}.tar"))) == 1000
    for bad in ("x-{9..1}.tar", "x-{0..9999999}.tar", "{0..9999}/{0..9999}"):
        with pytest.raises(ValueError, match="expected a range such as"):
            list(expanded(bad))


def test_nothing_heavy_is_imported_before_an_address_is_used():
    script = "import sys, vqa.databases.elsewhere; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert not {"fsspec", "s3fs", "botocore", "aiohttp"} & set(done.stdout.decode().split())


def test_names_of_a_list_are_beside_it():
    assert beside("s3://bucket/lists/l.txt", "a.mp4") == "s3://bucket/lists/a.mp4"
    assert beside("https://host/l.txt?token=/", "a.mp4") == "https://host/a.mp4"
    assert protocol_of("C:/videos") == protocol_of("a://b"[1:]) == ""
