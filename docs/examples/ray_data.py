"""Score videos in a Ray Data pipeline of your own: python ray_data.py rows/ a.mp4 b.mp4 ..."""

import sys

import ray

import vqa

target, *videos = sys.argv[1:]
ray.init(include_dashboard=False)
rows = ray.data.from_items(videos).map(
    vqa.Scorer,
    fn_constructor_args=("ugc",),
    fn_constructor_kwargs={"device": "cpu"},
    concurrency=1,  # actors, each with the model; num_gpus=0.5 lets two share a GPU
    max_restarts=3,
)
# A block of failed videos alone has no scores that would say what type they are.
rows = rows.map_batches(vqa.Scorer.typed, batch_format="pyarrow")
rows.write_parquet(target)
