"""Cursor: what its Admin API answers of a team's use of it, how it is asked, and the source that reads it."""
