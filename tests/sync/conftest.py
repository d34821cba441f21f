from pathlib import Path

import pytest

from ingest.lakes import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "site")
