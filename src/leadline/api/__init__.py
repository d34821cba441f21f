"""The HTTP face: requests come in over a socket, JSON and export files go out.

``app`` composes the ASGI application, ``insights`` holds the export routes, ``download`` how a file is sent; ``paths``,
``auth``, ``body`` and ``errors`` are what every request passes; ``log`` and ``monitoring`` tell what happens; ``server``
runs it all together with the worker processes.
"""
