"""Facts: one row per commit, pull request, work item, deployment and incident, with its derived instants and durations and
whose it is; one module per fact, written as expressions over the lake's tables.

A number of a metric is the aggregation of a fact and nothing else. ``materialize`` keeps the rows.
"""
