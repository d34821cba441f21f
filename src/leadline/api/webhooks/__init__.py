"""Routes that take webhooks of GitHub, GitLab, Bitbucket and Azure DevOps."""
