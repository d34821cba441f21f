"""What those who run a project look at and change, whichever face they come by: its settings, its keys and who is signed in, its
sources, and whose accounts are whose. The command, the HTTP API and the page call these: all three refuse in the same words."""
