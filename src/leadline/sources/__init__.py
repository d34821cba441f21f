"""The sources: a package per tool, each turning what it finds there into pages of rows of the data model.

Nothing outside a tool's own package knows how the tool works. What the tools have in common is in ``kit``: ``kinds`` declares
each, ``settings`` connects to one, ``client`` asks it, ``streams`` and ``lists`` read it, ``page`` is what all hand over.
"""
