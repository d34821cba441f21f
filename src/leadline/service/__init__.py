"""The processes of a running server: the one that answers requests, export workers, and runs of sources."""
