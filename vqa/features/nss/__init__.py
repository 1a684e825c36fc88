"""Natural scene statistics of RAPIQUE: 1836 numbers of a video, from 54 kinds of maps, in torch.

`NSS` is the whole-video extractor, `pool` makes one vector of a video; `NAMES` says what each
number is. Their parts: `windows` (which frames), `colour` and `maps` (the maps), `statistics` and
`fits` (34 numbers of a map), `imresize` and `banded` (linear operators).
"""

from vqa.features.nss.extractor import NSS, pool
from vqa.features.nss.fits import aggd_fit, ggd_fit
from vqa.features.nss.imresize import imresize
from vqa.features.nss.names import NAMES
from vqa.features.nss.statistics import mscn, nss_statistics

__all__ = ["NAMES", "NSS", "aggd_fit", "ggd_fit", "imresize", "mscn", "nss_statistics", "pool"]
