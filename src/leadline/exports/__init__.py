"""Exports: a request body in, a file of metrics out, by way of a job that survives the death of whoever works on it.

``requests`` reads lenient bodies into normalized requests, ``service`` creates, finds, lists, cancels and hands out
exports, ``worker`` runs them, ``cleaning`` removes what expired or was left behind. The queue itself is ``db.jobs``.
"""
