"""One reader per database: `read(root) -> Database`, a plain function, one file each."""
