"""What can be set: the profile of a project or tree (``profile``) and the server's own configuration (``server``)."""
