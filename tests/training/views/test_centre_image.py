"""Images as a model sees them, and what the project's reader makes of still files."""

import numpy as np
import pytest
import torch
from PIL import Image

from tests.clips import numbers, write_clip
from vqa.databases.records import VideoRecord
from vqa.training.views import CentreImage
from vqa.video import VideoError, probe, stream_frames


def picture(height, width):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)


def record(path, **facts):
    return VideoRecord(path.name, path, 3.0, **facts)


@pytest.mark.parametrize("suffix", ["bmp", "BMP", "png"])
@pytest.mark.parametrize("size", [(384, 512), (33, 45)])
def test_a_still_file_is_a_video_of_one_exact_frame(suffix, size, tmp_path):
    path = tmp_path / f"i01_01_1.{suffix}"
    Image.fromarray(picture(*size)).save(path)
    info = probe(path)
    assert (info.frames, info.height, info.width, info.times_s.tolist()) == (1, *size, [0.0])
    (frames,) = stream_frames(path)
    assert np.array_equal(frames[0], picture(*size))


@pytest.mark.parametrize("name", ["grey.png", "grey.bmp", "palette.bmp", "alpha.png"])
def test_stored_formats_come_as_rgb(name, tmp_path):
    image = Image.fromarray(picture(40, 60))
    if "grey" in name:
        image = image.convert("L")
    elif "palette" in name:
        image = image.convert("P")
    else:
        image.putalpha(Image.fromarray(picture(40, 60)[..., 0]))
    image.save(tmp_path / name)
    (frames,) = stream_frames(tmp_path / name)
    assert np.array_equal(frames[0], np.asarray(image.convert("RGB")))


def test_a_jpeg_comes_as_pil_has_it(tmp_path):
    y, x = np.mgrid[0:320, 0:400]
    smooth = np.stack([x / 2, y / 2, (x + y) / 4], -1).astype(np.uint8)
    Image.fromarray(smooth).save(tmp_path / "a.jpg", quality=95)
    seen = CentreImage()(record(tmp_path / "a.jpg")).permute(1, 2, 0).numpy()
    wanted = np.asarray(Image.open(tmp_path / "a.jpg"))[10:309, 50:349]
    assert np.abs(seen.astype(int) - wanted).max() <= 4  # decoders round colours differently


def test_the_view_is_the_centre_and_nothing_is_random(tmp_path):
    path = tmp_path / "i01_01_1.bmp"
    Image.fromarray(picture(384, 512)).save(path)
    view = CentreImage()
    seen = view(record(path))
    assert seen.dtype == torch.uint8
    assert np.array_equal(seen.permute(1, 2, 0).numpy(), picture(384, 512)[42:341, 106:405])
    assert torch.equal(view(record(path), np.random.default_rng(3)), seen)
    assert view.times_s(record(path)).tolist() == [0.0]
    batch = view.collate("image", [seen, seen])
    assert {name: tuple(tensor.shape) for name, tensor in batch.items()} == {
        "image": (2, 3, 299, 299)
    }


def test_of_a_video_it_is_the_middle_frame(tmp_path):
    path = write_clip(tmp_path / "a.mp4", 9, size=(400, 320))
    (whole,) = stream_frames(path, [4])
    assert numbers(whole) == [4]
    seen = CentreImage()(record(path)).permute(1, 2, 0).numpy()
    assert np.array_equal(seen, whole[0, 10:309, 50:349])
    assert CentreImage().times_s(record(path)).tolist() == pytest.approx([4 / 30])


def test_raw_video_is_read_by_its_label_row(tmp_path):
    path = tmp_path / "a.yuv"
    path.write_bytes(bytes([90]) * (64 * 48 * 3 // 2 * 3))
    seen = CentreImage()(record(path, width=64, height=48))
    assert seen.shape == (3, 299, 299)


def test_files_that_are_no_image_are_refused(tmp_path):
    (tmp_path / "junk.bmp").write_bytes(b"x" * 999)
    with pytest.raises(VideoError, match=r"junk\.bmp"):
        CentreImage()(record(tmp_path / "junk.bmp"))
    whole = tmp_path / "whole.bmp"
    Image.fromarray(picture(64, 64)).save(whole)
    (tmp_path / "cut.bmp").write_bytes(whole.read_bytes()[:2000])
    with pytest.raises(VideoError, match=r"cut\.bmp"):
        CentreImage()(record(tmp_path / "cut.bmp"))
