"""The sources of a model's features, from the configuration."""

from collections.abc import Callable, Mapping
from typing import Any

from vqa.databases.records import Database
from vqa.features.extraction.external import ExternalFeatures
from vqa.features.extraction.feature_folder import FeatureFolder
from vqa.features.extraction.feature_source import FeatureSource
from vqa.features.extraction.sources import Source, Sources
from vqa.features.nothing import Nothing, Probed
from vqa.files import user_path
from vqa.identity import Identities

# Settings in conf/features/<name>.yaml that say how an extractor is used.
USE = ("frame_rate_hz", "frames", "dtype", "on_error", "time_limit_s")


def sources_of(
    config: Mapping[str, Any],
    database: Callable[[], Database],
    reading: Mapping[str, Any],
    build: Callable[[Any], Any],
    identities: Identities,
) -> Sources:
    """Return the sources of the `features` section.

    A model without a view of features gets a source of nothing, which checks the files.

    Args:
        config: The resolved configuration.
        database: Gives the labelled videos, for matrices whose rows follow a label table.
        reading: How videos are read: `damaged`, and to score perhaps `max_seconds`.
        build: Builds an object from its settings.
        identities: Of the files.
    """

    def extracted(extractor: Any, **use: Any) -> FeatureSource:
        root, reader = config["paths"].get("cache"), config["data"]["reader"]
        decoders = config.get("decoders", "auto")  # runs of earlier versions have no such setting
        return FeatureSource.in_cache(
            extractor, root, reader, decoders=decoders, identities=identities, **reading, **use
        )

    def source(settings: Mapping[str, Any]) -> Source:
        if "extractor" in settings:
            use = {name: settings[name] for name in USE}
            return extracted(build(settings["extractor"]), **use)
        path = settings["path"]
        if isinstance(path, str) and user_path(path).is_dir():
            return FeatureFolder(path)
        labelled = database() if "read" in config["data"] else None
        return ExternalFeatures.of_database(path, settings["rows"], labelled)

    if "views" in config and config["views"]["features"] is None:
        is_probed = config["data"].get("check") == "probe"
        return Sources([extracted(Probed() if is_probed else Nothing())])
    return Sources([source(one) for one in config["features"].values()])
