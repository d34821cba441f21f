"""What connectors share: HTTP client, pages and cursors, settings, secrets, deploy rules, and the reading of forges."""
