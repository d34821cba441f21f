"""What can be set: the profile of a project or tree (``profile``) and the server's own configuration (``server``).

Text values from the command line, a TOML file or the metadata database come in; typed, checked values go out.
"""
