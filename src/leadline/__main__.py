"""``python -m leadline``: the command, where it is on no path."""

import sys

from leadline.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
