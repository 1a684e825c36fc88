"""`vqa serve`: a service that scores the videos that are sent to it, and its page."""
