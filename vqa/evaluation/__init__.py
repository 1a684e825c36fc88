"""From predictions to numbers: metrics, their uncertainty, results, and groups of videos.

`predictions` reads scores, `summary` computes the `results` from them, `text` prints these.
"""
