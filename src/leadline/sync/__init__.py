"""Runs sources: reads pages from a connector, commits their rows with their cursors, and does so on a schedule."""
