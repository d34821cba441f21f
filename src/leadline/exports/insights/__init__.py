"""Insights: the rows of an export answered at once, as JSON, with how many things each value is of. ``request`` reads what is
asked for, ``answer`` computes it, ``models`` are the bodies, ``kept`` remembers answers."""
