"""The metadata database: projects, keys, settings, org trees, exports (which are the jobs), cursors.

SQLite in the home by default, PostgreSQL by URL; the same SQLAlchemy Core statements serve both.
"""

from leadline.db.database import Database

__all__ = ["Database"]
