"""``leadline``, with Drawer among its kinds."""

from leadline.sources.kit.kinds import KINDS

from .kind import DRAWER

if __name__ == "__main__":
    KINDS[DRAWER.name] = DRAWER
    from leadline.cli.main import main

    main()
