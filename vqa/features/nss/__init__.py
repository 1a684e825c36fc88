"""RAPIQUE's natural scene statistics in torch: 1836 numbers per second, from 54 kinds of maps.

`NSS` is the extractor and `NAMES` the name of each number. Its parts: `chosen_frames` selects the
frames, `colour` and `maps` compute the maps, `map_statistics` and `fits` the 34 numbers per map,
`window_vector` the vector of one second; `imresize` and `banded` are linear operators.
"""

from vqa.features.nss.names import NAMES
from vqa.features.nss.video_statistics import NSS

__all__ = ["NAMES", "NSS"]
