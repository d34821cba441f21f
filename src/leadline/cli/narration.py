"""What ``--verbose`` tells on stderr while a command runs: each call of a tool, and what is computed and stored. No secret of an
address is told: neither who signs in before its host nor what is asked after it."""

from __future__ import annotations

import logging
import re

from leadline.cli.output import clean

TOLD = {"leadline": logging.DEBUG, "httpx": logging.INFO}
"""From which level on the lines of which libraries are told; httpx has one for each call."""

_SIGNED_IN = re.compile(r"(?<=://)[^/\s@\"]*@")
_ASKED = re.compile(r"(\w+://[^\s?\"]*)\?[^\s\"]*")


class _Plain(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return "\n".join(map(clean, _ASKED.sub(r"\1?…", _SIGNED_IN.sub("", super().format(record))).splitlines()))


def narrate() -> None:
    """From now on tell it, a line each with the time of day."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Plain("%(asctime)s.%(msecs)03d %(message)s", datefmt="%H:%M:%S"))
    for name, level in TOLD.items():
        told = logging.getLogger(name)
        told.setLevel(level)
        told.handlers = [handler]
        told.propagate = False
