"""Exports: a request body becomes a file of metrics, by way of a job that survives the death of whoever works on it.

A kind of export is a declaration, listed in ``kinds``: its request, how its rows are produced, what is said of it.
``requests`` reads lenient bodies into normalized requests, ``service`` creates, finds, lists, cancels and hands out exports,
``worker`` runs them, ``cleaning`` removes what expired or was left behind. The queue itself is ``db.jobs``.
"""
