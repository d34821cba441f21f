"""Metrics: the catalogue of definitions and the aggregation of facts to the rows of an export.

A normalized request and the versions it is pinned to come in; a finished file of rows goes out. ``catalogue`` says what
each number is, ``measures`` which column of which fact it sums, ``run`` does it.
"""
