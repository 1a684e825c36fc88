"""Scoring of any video files with a trained model: `scorer`, its command and its outputs."""
