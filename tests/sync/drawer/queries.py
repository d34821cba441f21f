"""What is asked of Drawer, and how much at once."""

SIZE = 20
FOLDERS = "/folders/{owner}"
CHANGES = "/folders/{owner}/{name}/changes"
RELEASES = "/folders/{owner}/{name}/releases"
