"""Exports that are made again and again: when, of which days, and where their files go."""
