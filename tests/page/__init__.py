"""The page: over a socket, and in a real browser."""
