"""Exports: a request body becomes a file of metrics, by way of a job that survives the death of whoever works on it."""
