"""What not every engine can be asked for."""

UNCOMPOSED = "leadline: a text that is not in Unicode's composed form"
"""What a query says that would have to compose a text, for which Spark has no function."""


class NotPortable(ValueError):
    """Something that an engine cannot say, or does not say as DuckDB does."""
