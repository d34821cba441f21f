"""Tests of the productivity numbers: hand-derived cases, an independent oracle, and leadline held against both."""
