"""File formats of the documented tables: finds files, reads CSV, JSON Lines and Parquet into raw rows. Also the row model of all
that arrives as JSON: pushed rows, webhooks and connectors' rows."""
