"""Claude Code: what Anthropic's Admin API answers of its use, how it is asked, and the source that reads it."""
