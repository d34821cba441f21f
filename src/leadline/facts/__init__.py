"""Facts: one row per commit, pull request and work item, with its derived instants and durations and whose it is.

The lake's tables (as unbound ibis tables) and the accounts come in; ibis expressions go out, one module per fact, and
``store`` keeps their results. A number of a metric is the aggregation of a fact and nothing else.
"""
