"""Metrics: the catalogue of definitions and the aggregation of facts to the rows of an export.

``catalogue`` says what each number is, ``measures`` which column of which fact it sums, ``bindings`` what a run binds
beside the facts, ``query`` how rows are made of both, and ``run`` does it.
"""
