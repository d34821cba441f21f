"""GitHub: what it answers, how it is asked and signed in to, and the source that reads it."""
