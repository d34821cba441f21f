"""The command line, run as real processes."""
