"""Training: learners, the views that networks get of a video, and loaders. Lightning lives here."""
