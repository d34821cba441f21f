"""Routes for admins: what the commands of the machine do about a project, for programs and from afar."""
