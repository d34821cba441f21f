"""Charts as data: each is declared once, and drawn by the page, the API and the command line from that declaration."""
