"""The photographs in the wheels of other packages."""

import pytest

from vqa.databases.records import DatabaseError
from vqa.databases.synthesis.photographs import PHOTOGRAPHS, Photograph


def test_every_photograph_is_in_an_installed_wheel():
    names = [photograph.name for photograph in PHOTOGRAPHS]
    files = [(photograph.package, photograph.file) for photograph in PHOTOGRAPHS]
    assert len(set(names)) == len(set(files)) == len(PHOTOGRAPHS) >= 20
    for photograph in PHOTOGRAPHS:
        picture = photograph.open()
        assert picture.mode == "RGB"
        assert min(picture.size) >= 150


@pytest.mark.parametrize(
    ("package", "message"),
    [("skimage", r"absent\.png"), ("a_package_nobody_has", r"pip install 'vqa\[demo\]'")],
)
def test_a_missing_photograph_is_named_with_the_remedy(package, message):
    with pytest.raises(DatabaseError, match=message):
        Photograph("absent", package, "data/absent.png", 0.5).open()
