"""Intact clips of many codecs and containers, encoded by PyAV."""

from pathlib import Path

from tests import clips
from tests.clips import FRAGMENTS, OPEN_GROUPS, VP9, X265

FRAMES = 18
SIZE = (128, 96)
VP8 = {"codec": "libvpx", "options": {"cpu-used": "8", "deadline": "realtime"}}
AV1 = {"codec": "libsvtav1", "options": {"preset": "12"}}
FASTSTART = {"movflags": "faststart"}
HEVC = {"codec": "libx265", "options": X265}
PRORES = {"codec": "prores_ks", "pixel_format": "yuv422p10le"}
DNXHR = {"codec": "dnxhd", "options": {"profile": "dnxhr_lb"}, "size": (256, 128)}
FFV1 = {"codec": "ffv1", "options": {"level": "3", "slicecrc": "1", "slices": "4"}}

# File name, whose suffix determines the container -> settings of `write_clip`.
INTACT = {
    "h264.mp4": {},
    "h264_index_in_front.mp4": {"muxer_options": FASTSTART},
    "h264_fragments.mp4": {"muxer_options": FRAGMENTS},
    "h264_open_groups.mkv": {"options": OPEN_GROUPS},
    "h264_slices.ts": {"options": {"x264-params": "slices=4"}},
    "h264.ts": {},
    "h264.avi": {"options": {"bf": "0"}},
    "h264.flv": {},
    "h264.h264": {},
    "hevc.mp4": HEVC,
    "hevc.ts": HEVC,
    "hevc.hevc": HEVC,
    "mpeg1.mpg": {"codec": "mpeg1video", "rate": 25},
    "mpeg2.ts": {"codec": "mpeg2video", "options": {"bf": "2"}},
    "mpeg2.vob": {"codec": "mpeg2video"},
    "mpeg2.m2v": {"codec": "mpeg2video"},
    "mpeg4.avi": {"codec": "mpeg4", "options": {"bf": "2"}},
    "mpeg4.3gp": {"codec": "mpeg4"},
    "msmpeg4.avi": {"codec": "msmpeg4"},
    "wmv2.wmv": {"codec": "wmv2"},
    "flv1.flv": {"codec": "flv"},
    "mjpeg.mov": {"codec": "mjpeg", "pixel_format": "yuvj420p"},
    "mjpeg.mjpeg": {"codec": "mjpeg", "pixel_format": "yuvj420p"},
    "prores.mov": PRORES,
    "dnxhr.mxf": {**DNXHR, "pixel_format": "yuv422p"},
    "jpeg2000.mkv": {"codec": "jpeg2000"},
    "dv.dv": {"codec": "dvvideo", "size": (720, 576), "rate": 25},
    "vp8.ogv": VP8,
    "vp8.webm": VP8,
    "vp9.mkv": VP9,
    "vp9.ivf": VP9,
    "av1.mp4": AV1,
    "av1.obu": AV1,
    "gif.gif": {"codec": "gif", "pixel_format": "rgb8"},
    "apng.apng": {"codec": "apng", "pixel_format": "rgb24"},
    "png.mov": {"codec": "png", "pixel_format": "rgb24"},
    "ffv1.mkv": FFV1,
    "huffyuv.avi": {"codec": "huffyuv", "pixel_format": "yuv422p"},
    "utvideo.avi": {"codec": "utvideo"},
    "snow.nut": {"codec": "snow"},
    "raw.nut": {"codec": "rawvideo"},
    "raw.y4m": {"codec": "wrapped_avframe"},
}


def write_intact(folder: Path, name: str) -> Path:
    """Encode one intact clip; skip the test if PyAV lacks the encoder."""
    settings = {"size": SIZE, "frames": FRAMES, "keyframe_interval": 6, **INTACT[name]}
    return clips.cached_clip(folder, name, settings)
