"""One frozen feature extractor per file: `extractor(frames) -> (T, D)`."""
