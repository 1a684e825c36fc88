"""The twenty photographs that the demo films, from the wheels of libraries that vqa depends on.

scikit-image, scikit-learn and matplotlib contain them for their own documentation. Nothing is
downloaded, and nothing is copied into this project. Not used: drawings, test patterns, thumbnails,
and scikit-image's `clock_motion`, which is blurred by motion and so has no pristine version.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from PIL import Image, ImageOps

from vqa.databases.records import DatabaseError

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Photograph:
    """One content of the demo.

    Attributes:
        name: Identifier of the content.
        package: Installed package that contains the file.
        file: Path of the file inside the package's folder.
        texture: Amount of texture, from 0 (smooth) to 1 (texture everywhere). It is a recorded
            constant, not measured at run time, because the labels depend on it.
        tint: For grey photographs, the colours for black and for white.
    """

    name: str
    package: str
    file: str
    texture: float
    tint: tuple[Colour, Colour] | None = None

    def open(self) -> Image.Image:
        """Open the photograph in RGB.

        Raises:
            DatabaseError: The installed package does not contain the file.
        """
        spec = find_spec(self.package)
        folders = (spec.submodule_search_locations if spec else None) or []
        path = next((p for p in (Path(f) / self.file for f in folders) if p.is_file()), None)
        if spec is None:
            raise DatabaseError(
                f"demo: the photographs come with the package {self.package}, which is not "
                "installed; install it with pip install 'vqa[demo]'"
            )
        if path is None:
            raise DatabaseError(
                f"demo: expected the photograph {self.file} inside the package {self.package} "
                f"(looked in {', '.join(folders)}); "
                "reinstall the package from its wheel"
            )
        with Image.open(path) as image:
            if self.tint is None:
                return image.convert("RGB")
            black, white = self.tint
            return ImageOps.colorize(image.convert("L"), black, white)


def _skimage(
    name: str, file: str, texture: float, tint: tuple[Colour, Colour] | None = None
) -> Photograph:
    return Photograph(name, "skimage", f"data/{file}", texture, tint)


PHOTOGRAPHS = (
    _skimage("astronaut", "astronaut.png", 0.5),
    _skimage("brick", "brick.png", 0.6, ((38, 14, 10), (250, 205, 180))),
    _skimage("chelsea", "chelsea.png", 0.4),
    Photograph("china", "sklearn", "datasets/images/china.jpg", 0.6),
    _skimage("coffee", "coffee.png", 0.3),
    _skimage("camera", "camera.png", 0.5, ((6, 8, 12), (250, 250, 244))),
    _skimage("rocket", "rocket.jpg", 0.2),
    _skimage("grass", "grass.png", 0.9, ((12, 24, 6), (214, 240, 150))),
    Photograph("flower", "sklearn", "datasets/images/flower.jpg", 0.3),
    _skimage("coins", "coins.png", 0.6, ((24, 16, 10), (255, 240, 212))),
    _skimage("motorcycle", "motorcycle_left.png", 0.7),
    _skimage("moon", "moon.png", 0.1, ((10, 12, 20), (235, 238, 250))),
    _skimage("retina", "retina.jpg", 0.1),
    _skimage("gravel", "gravel.png", 0.9, ((20, 16, 14), (240, 232, 220))),
    _skimage("tissue", "ihc.png", 0.8),
    _skimage("page", "page.png", 0.5, ((22, 20, 26), (255, 246, 224))),
    Photograph("hopper", "matplotlib", "mpl-data/sample_data/grace_hopper.jpg", 0.4),
    _skimage("galaxies", "hubble_deep_field.jpg", 0.5),
    _skimage("cell", "cell.png", 0.1, ((2, 16, 10), (220, 255, 214))),
    _skimage("handwriting", "text.png", 0.4, ((30, 32, 44), (244, 244, 240))),
)
