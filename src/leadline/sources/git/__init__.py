"""git: the commits of any local or remote repository, and the files they touched."""
