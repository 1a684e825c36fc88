"""Files: whole or absent."""

import pytest

from vqa.files import replacing, write_atomically


def test_text_is_written_in_one_step_and_folders_are_made(tmp_path):
    path = write_atomically(tmp_path / "a" / "b.txt", "é\n")
    assert path.read_bytes() == "é\n".encode()
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]


def test_a_failed_write_keeps_the_old_file_and_leaves_nothing_else(tmp_path):
    target = write_atomically(tmp_path / "a" / "file.mp4", "old")

    def write_half():
        with replacing(target) as temporary:
            temporary.write_bytes(b"half")
            raise RuntimeError("disk")

    with pytest.raises(RuntimeError, match="disk"):
        write_half()
    assert target.read_text() == "old"
    assert list(target.parent.iterdir()) == [target]
