"""Frozen feature extractors, one per file; `vqa.features.extractor` is their base class."""
