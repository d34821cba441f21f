"""What mkdocs calls while it builds: adds the generated pages, which are not committed, to the site's files."""

from __future__ import annotations

import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).parent))
from generate import pages


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add every generated page."""
    for path, text in pages().items():
        files.append(File.generated(config, path, content=text))
    return files
