"""Places in stores, on web servers and in tars, and what is said about what is passed over."""

import pytest

from tests.stores import tar_of
from vqa.databases.unrated import Search, find_videos
from vqa.remote.addresses import public

pytestmark = pytest.mark.usefixtures("quick_retries")


@pytest.fixture
def bucket(store):
    store.mkdir("places")
    for name in ("v/a.mp4", "v/b.MKV", "v/.c/d.mp4", "v/deep/e.mp4", "v/f.json", "g", "v-2/h.mp4"):
        store.pipe(f"places/{name}", name.encode())
    tar = tar_of({"a.mp4": b"a", "a.json": b"{}", "deep/b.mp4": b"b"})
    store.pipe({f"places/tars/x-{number:02}.tar": tar for number in range(3)})
    yield store
    store.rm("places", recursive=True)


def found(*places):
    """What places name, as rows show it, with causes; and the remarks."""
    search = Search()
    named = [(public(str(one.path)), one.cause) for one in search.named(map(str, places))]
    return [name if not cause else (name, cause) for name, cause in named], search.remarks()


def test_folders_of_a_store(bucket):
    for place in ("s3://places/v", "s3://places/v/"):
        names, remarks = found(place)
        assert names == [f"s3://places/v/{name}" for name in ("a.mp4", "b.MKV", "deep/e.mp4")]
        assert remarks == [
            "passed over 1 hidden file or folder: .c/d.mp4",
            "passed over 1 file without a video suffix: f.json; name a file itself to score it",
        ]
    assert found("s3://places/v/*.mp4", "s3://places/g")[0] == [
        "s3://places/v/a.mp4", "s3://places/g",
    ]  # fmt: skip
    assert found("s3://places/v*")[0] == [
        "s3://places/v/a.mp4", "s3://places/v/b.MKV", "s3://places/v/deep/e.mp4",
        "s3://places/v-2/h.mp4",
    ]  # fmt: skip


def test_a_name_that_looks_like_a_pattern_is_that_file(bucket):
    bucket.pipe("places/odd/a b[1]?#%.mp4", b"odd")
    name = "s3://places/odd/a b[1]?#%.mp4"
    assert found("s3://places/odd/")[0] == found(name)[0] == [name]


def test_tars_of_a_store(bucket):
    names = [
        f"s3://places/tars/x-0{one}.tar/{name}"
        for one in range(3)
        for name in ("a.mp4", "deep/b.mp4")
    ]
    for place in ("s3://places/tars/", "s3://places/tars/*.tar", "s3://places/tars/x-{00..02}.tar"):
        assert found(place)[0] == names
    taken, remarks = found("s3://places/tars/x-{01..03}.tar", "s3://places/tars/x-01.tar/a.mp4")
    assert taken == [
        *names[2:], ("s3://places/tars/x-03.tar", "no such file: s3://places/tars/x-03.tar"),
    ]  # fmt: skip
    assert remarks[0].startswith("passed over 2 files of tars without a video suffix: a.json")
    assert remarks[1] == "passed over 1 file that were named twice: a.mp4"


def test_places_that_name_nothing(bucket, web):
    folder = web.address("/v/")
    places = ("s3://places/none/", "s3://places/*.mkv", "s3://none/v/", folder)
    assert found(*places)[0] == [
        ("s3://places/none/", "no such file: s3://places/none/"),
        ("s3://places/*.mkv", "no files that match s3://places/*.mkv"),
        ("s3://none/v/", "no such file: s3://none/v/ (The specified bucket does not exist)"),
        (folder, f"{folder}: a web server lists no folders: name files, or a list of them"),
    ]  # fmt: skip
    with pytest.raises(FileNotFoundError, match="no videos found: zip://a: expected a path"):
        find_videos("zip://a")


def test_lists_name_addresses_and_are_at_addresses(bucket, web, tmp_path):
    (tmp_path / "a.mp4").touch()
    signed = web.address("/b.mp4?token=secret", user="me:word@")
    lines = f"# {signed}\n{signed}\na.mp4\ns3://places/v/a.mp4\n"
    (tmp_path / "list.txt").write_text(lines, encoding="utf-8")
    names, remarks = found(tmp_path / "list.txt")
    assert names == [web.address("/b.mp4"), str(tmp_path / "a.mp4"), "s3://places/v/a.mp4"]
    assert "secret" not in str(remarks)
    assert "word" not in str(remarks)
    in_tar = ("a.mp4", "deep/b.mp4")
    bucket.pipe("places/list.txt", f"# of all\nv/a.mp4\ntars/x-{{00..01}}.tar\n{signed}".encode())
    assert found("s3://places/list.txt")[0] == [
        "s3://places/v/a.mp4",
        *(f"s3://places/tars/x-0{one}.tar/{name}" for one in (0, 1) for name in in_tar),
        web.address("/b.mp4"),
    ]  # fmt: skip
    (fault,) = found("s3://places/none.txt")[0]
    assert fault == ("s3://places/none.txt", "no such file: s3://places/none.txt")


def test_tars_on_disk(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tar = tar_of({"a.mp4": b"a" * 1000, "b.cls": b"1", "c.mp4": b"c" * 1000})
    for number in range(2):
        (tmp_path / f"x-{number}.tar").write_bytes(tar)
    (tmp_path / "y.tar").write_bytes(tar[:3700])
    (tmp_path / "z.tar").write_bytes(tar_of({"b.cls": b"1"}))
    both = [f"{tmp_path}/x-{number}.tar/{name}" for number in (0, 1) for name in ("a.mp4", "c.mp4")]
    for place in ("x-{0..1}.tar", "x-*.tar", tmp_path / "x-{0..1}.tar"):
        assert found(place)[0] == both
    assert found("x-1.tar/c.mp4", "x-1.tar")[0] == [both[3], both[2]]
    broken = [
        f"{tmp_path}/y.tar/a.mp4",
        (f"{tmp_path}/y.tar/c.mp4", "the tar breaks off in this file"),
        (f"{tmp_path}/y.tar", "the tar breaks off after byte 2,560 of 3,700"),
    ]
    nothing = (f"{tmp_path}/z.tar", f"no files with a video suffix in {tmp_path}/z.tar")
    assert found(".")[0] == [*both, *broken, nothing]
    assert found("x-1.tar/none.mp4", "gone-{0..0}.tar")[0] == [
        (f"{tmp_path}/x-1.tar/none.mp4", f"no file none.mp4 in {tmp_path}/x-1.tar"),
        (f"{tmp_path}/gone-0.tar", "no such file: gone-0.tar"),
    ]
    ((name, cause),) = found("x-{9..1}.tar")[0]
    assert (name, "expected a range such as" in cause) == ("x-{9..1}.tar", True)
    (tmp_path / "v-{1..2}.mp4").touch()
    assert found("v-{1..2}.mp4")[0] == [f"{tmp_path}/v-{{1..2}}.mp4"]
