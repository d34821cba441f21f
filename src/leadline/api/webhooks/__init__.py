"""Routes that take webhooks of GitHub and GitLab."""
