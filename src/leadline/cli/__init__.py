"""The command line: one file per command group, each a thin face over the packages below it.

Exit codes are 0 (done), 1 (the thing asked for failed), 2 (wrong usage) and 130 (Ctrl-C). Heavy libraries are imported
inside the commands that need them, so that ``leadline --help`` answers at once.
"""
