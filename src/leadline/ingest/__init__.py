"""Takes rows into the lake: validates them, resolves duplicates by natural key and version, commits them whole."""
