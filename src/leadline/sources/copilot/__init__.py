"""GitHub Copilot: what GitHub reports of its use and seats, how it is asked, and the source that reads it."""
