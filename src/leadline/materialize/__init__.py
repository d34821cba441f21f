"""Keeps computed tables: each is computed once per state of the data, and incrementally where little changed.

A model (``model.Model``) declares a table's columns and how it is computed; ``store`` computes what is asked for and keeps it
as Parquet files by digest. Nothing here knows what the tables mean.
"""
