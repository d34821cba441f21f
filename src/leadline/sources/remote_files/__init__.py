"""Files over HTTPS: how they are fetched and read, and the source that brings their rows."""
