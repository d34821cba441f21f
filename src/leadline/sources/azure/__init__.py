"""Azure DevOps, services and server: what it answers, how it is asked, and the source that reads it."""
