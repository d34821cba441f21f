"""Properties that hold for every export, whatever the data: sums, and independence of how the data arrived."""
