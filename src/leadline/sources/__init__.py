"""The sources: one module per tool or kind of file, each turning what it finds there into rows of the data model.

A path, URL or folder comes in; rows (and what a later run needs to go on from there) come out. Nothing outside a source's
own modules knows how its tool works.
"""
