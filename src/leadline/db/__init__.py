"""The metadata database: projects, keys, settings, org trees, exports (which are the jobs), cursors.

SQLite in the home by default, PostgreSQL by URL; the same SQLAlchemy Core statements serve both. Event data never comes
here: it is in the lake. ``models`` declares the tables, one module per subject holds the functions on them.
"""

from leadline.db.database import Database

__all__ = ["Database"]
