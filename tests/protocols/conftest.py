import pytest

from tests.protocols.databases import read_real
from vqa.databases import cvd2014, konvid, livequalcomm


@pytest.fixture(scope="session")
def real_cvd2014(tmp_path_factory):
    return read_real(cvd2014, "CVD2014.labels.txt", tmp_path_factory.mktemp("cvd2014"))


@pytest.fixture(scope="session")
def real_livequalcomm(tmp_path_factory):
    root = tmp_path_factory.mktemp("livequalcomm")
    return read_real(livequalcomm, "LIVE_Qualcomm.labels.txt", root)


@pytest.fixture(scope="session")
def real_konvid(tmp_path_factory):
    return read_real(konvid, "KONVID_1K_metadata.csv", tmp_path_factory.mktemp("konvid"))
