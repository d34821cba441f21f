"""When each line that a commit deletes had last been changed: what ``git blame -M`` of its parent says, found by walking a
repository's history once, and from then on only what is new of it."""
