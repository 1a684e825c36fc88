"""Extraction of features from video files: pipeline, cache, sources."""
