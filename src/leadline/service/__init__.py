"""The server's processes: HTTP server, supervisor of export workers, scheduler of sources, and the processes they start."""
