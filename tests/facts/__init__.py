"""Tests of the rows behind the numbers."""
