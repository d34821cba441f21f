"""Every table declared once: columns, types, natural key, documentation.

Import validation, the lake's storage, the data-model page and the push API follow from it.
"""

from leadline.schema.table import Column, ColumnType, Table
from leadline.schema.tables import TABLES, table_named

__all__ = ["TABLES", "Column", "ColumnType", "Table", "table_named"]
