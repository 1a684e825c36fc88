"""Files that are not on a local disk: object stores, addresses and archives, through fsspec."""
