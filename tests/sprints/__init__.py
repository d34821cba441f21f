"""Sprints: what items are in them, and the exports of them."""
