"""What mkdocs calls while it builds: puts the generated pages in the place of those that stand for them in the repository."""

from __future__ import annotations

import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).parent))
from generate import pages


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Put every generated page in its place."""
    for path, text in pages().items():
        if (stand_in := files.get_file_from_path(path)) is not None:
            files.remove(stand_in)
        files.append(File.generated(config, path, content=text))
    return files
