"""Routes of exports and reports: create, list, poll, cancel, download."""
