"""The sources: a package per tool, a module per kind of file, each turning what it finds there into rows of the data model.

A path, URL or folder comes in; rows (and what a later run needs to go on from there) come out. Nothing outside a tool's own
package knows how the tool works. What the tools have in common is beside the packages: ``kinds`` declares each, ``configured``
opens one, ``http`` asks it, ``pages`` is what all hand over.
"""
