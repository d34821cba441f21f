"""The git source: any local or remote repository in, rows of ``commits`` and ``commit_files`` out.

``parse_location`` understands what the user typed, ``open_repository`` makes it readable here (cloning a URL),
``Repository.state`` says where its branches and tags are, ``LogReader`` streams the rows between two such states.
"""

from leadline.sources.git.command import GitError, scrub
from leadline.sources.git.location import Location, parse_location
from leadline.sources.git.log import SOURCE, Batch, LogReader, Walk
from leadline.sources.git.repository import Repository, State, open_repository

__all__ = [
    "SOURCE",
    "Batch",
    "GitError",
    "Location",
    "LogReader",
    "Repository",
    "State",
    "Walk",
    "open_repository",
    "parse_location",
    "scrub",
]
