"""Files elsewhere, in object stores, on web servers and in tars: found, looked at, copied."""
