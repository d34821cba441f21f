"""The line in ``leadline.sources.kit.kinds``."""

from leadline.sources.kit.kinds import Kind

DRAWER = Kind(
    "drawer",
    "Drawer",
    "Pull from Drawer.\n\nReleases and changes of its folders.",
    ("leadline {} drawer acme --url https://drawer.example.com",),
    "OWNER[/PATTERN]",
    "Owners; quote patterns.",
    "sync.drawer.connection",
    "The server's address.",
    "DRAWER_TOKEN",
    url_needed=True,
    webhooks=True,
)
