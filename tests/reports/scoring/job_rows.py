"""Rows of made-up scoring jobs."""

HOSTILE = "</td><script>document.title='taken'</script>\u202e\"x'.mp4"
MODEL = {
    "name": "ugc",
    "scale": [1, 5],
    "opinions": [1 + 4 * rank / 100 for rank in range(101)],
    "level": 0.9,
    "notes": ["Trained on <user> videos."],
    "timeline": "the score of each second",
}


def row(path, score, quality=(), **more):
    """One score as a .jsonl output has it, and the path."""
    return {
        "video": path,
        "path": path,
        "score": score,
        "mos_range": [1, 5],
        "times_s": [0.1 * moment for moment in range(len(quality))],
        "frame_quality": list(quality),
        "interval": None if score is None else [max(1, score - 0.6), min(5, score + 0.6)],
        "percentile": None if score is None else 25 * (score - 1),
        "note": "",
        "error": "",
    } | more


def many(count, folder="/v"):
    """Videos with rising scores, none of which exists."""
    for number in range(count):
        score = 1 + 4 * number / count
        quality = [max(1, score - 0.1 * (moment % 3)) for moment in range(30)]
        yield row(f"{folder}/{number:05d}.mp4", score, quality)
