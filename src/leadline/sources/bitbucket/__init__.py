"""Bitbucket Cloud: what it answers, how it is asked, and the source that reads it."""
