"""An instant is the same in any spelling that programs give it, whatever reads it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.lakes import Site
from leadline.engine import Engine
from leadline.ingest.validation import RowValidator
from leadline.instants import instant_of
from leadline.schema import TABLES

INCIDENTS = TABLES["incidents"]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def validator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RowValidator]:
    with Engine(temp_dir=tmp_path_factory.mktemp("engine")) as engine:
        yield RowValidator(engine)


def read(validator: RowValidator, texts: list[str]) -> list[datetime | None]:
    """What the rules for rows make of them; None for what they refuse."""
    rows = [{"incident_id": str(at), "created_at": text} for at, text in enumerate(texts)]
    found = {
        row["incident_id"]: row["created_at"] for batch in validator.typed(INCIDENTS, rows) for row in batch.to_pylist()
    }
    return [found.get(str(at)) for at in range(len(texts))]


def by_instant_of(text: str) -> datetime | None:
    try:
        return instant_of(text)
    except ValueError:
        return None


def spellings(moment: datetime, minutes: int) -> list[str]:
    """``moment`` (whole microseconds, UTC) as databases, git, pandas and others write it, some at an offset."""
    local = moment.astimezone(timezone(timedelta(minutes=minutes)))
    offset, day = local.strftime("%z"), local.strftime("%Y-%m-%d")
    time, utc_day, utc_time = local.strftime("%H:%M:%S.%f"), moment.strftime("%Y-%m-%d"), moment.strftime("%H:%M:%S.%f")
    micros = (moment - EPOCH) // timedelta(microseconds=1)
    texts = [
        f"{day}T{time}{offset[:3]}:{offset[3:]}",
        f"{day} {time} {offset}",
        f"{day} {time}{offset}",
        f"{day}t{time.replace('.', ',')}{offset}",
        f"{day} {time}000 {offset[:3]}:{offset[3:]}",
        *(
            f"{utc_day} {utc_time}{zone}"
            for zone in ("", "+00", "+0000", "+00:00", "Z", "z", " Z", " UTC", " utc", "UTC", " GMT")
        ),
        f"{micros // 1_000_000}.{micros % 1_000_000:06}",
        f"{micros // 1_000}.{micros % 1_000:03}",
        f"{micros}",
        f"{micros}000",
    ]
    if micros % 1_000 == 0:
        texts += [f"{micros // 1_000}", f"{micros // 1_000}.0", f"{day} {time[:-3]}{offset}"]
    if micros % 1_000_000 == 0:
        texts += [f"{micros // 1_000_000}", f"{micros // 1_000_000}.0", f"{day}T{time[:8]} {offset}"]
    if micros % 60_000_000 == 0:
        texts.append(f"{day} {time[:5]} {offset}")
    return texts


MOMENTS = st.builds(
    lambda micros, unit: EPOCH + timedelta(microseconds=micros // unit * unit),
    # From 1973 to 2261: the number of their digits tells apart seconds, milliseconds and so on.
    st.integers(100_000_100_000_000, 9_200_000_000_000_000),
    st.sampled_from([1, 1_000, 1_000_000, 60_000_000]),
)


@settings(max_examples=60, deadline=None)
@given(moment=MOMENTS, minutes=st.integers(-23 * 60, 23 * 60))
def test_every_spelling_of_an_instant_is_the_same(validator: RowValidator, moment: datetime, minutes: int) -> None:
    texts = spellings(moment, minutes)
    assert [(text, instant_of(text)) for text in texts] == [(text, moment) for text in texts]
    assert list(zip(texts, read(validator, texts), strict=True)) == [(text, moment) for text in texts]


@settings(max_examples=100, deadline=None)
@given(
    texts=st.lists(
        st.from_regex(
            r"\A[0-9]{1,4}[-/.]?[0-9]{1,2}[-/.]?[0-9]{0,4}[T ,]?([0-9]{1,2}:?){0,3}[.,]?[0-9]{0,4} ?[-+ZUTC0-9:]{0,6}\Z"
        ),
        min_size=1,
        max_size=20,
    )
)
def test_both_readers_read_and_refuse_the_same(validator: RowValidator, texts: list[str]) -> None:
    within = [text for text in texts if (moment := by_instant_of(text)) is None or 1970 <= moment.year <= 2262]
    assert list(zip(within, read(validator, within), strict=True)) == [(text, by_instant_of(text)) for text in within]


def test_a_parquet_file_may_have_them_as_numbers_and_whole_numbers_as_floating_point(
    site: Site, tmp_path: Path
) -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    table = pa.table(
        {
            "repository": ["o/r"] * 3,
            "number": [1.0, 2.0, 3.0],
            "created_at": [noon.timestamp(), None, noon.timestamp() + 0.5],
            "merged_at": [noon.timestamp() * 1000, float("nan"), noon.timestamp() * 1000 + 500],
            "additions": [1e15, float("nan"), 3.0],
        }
    )
    pq.write_table(table, tmp_path / "pull_requests.parquet")
    (report,) = site.imports(tmp_path / "pull_requests.parquet").files
    assert report.error is None
    rows = [
        (row["number"], row["created_at"], row["merged_at"], row["additions"]) for row in site.rows("pull_requests")
    ]
    assert rows == [
        (1, "2026-01-01 12:00:00+00", "2026-01-01 12:00:00+00", 10**15),
        (2, None, None, None),
        (3, "2026-01-01 12:00:00.5+00", "2026-01-01 12:00:00.5+00", 3),
    ]
