"""Pages about scores of unrated videos: of one job (`page`), and of two (`changes_page`)."""
