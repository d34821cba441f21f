"""The process that draws: a line of JSON on its standard input is a specification and what to make of it; the answer is a line of
JSON about as many bytes as follow it. It reads no file and asks no server: data come with the specification, and addresses in it
are refused. Without its caller it ends."""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Mapping
from typing import Any

VEGA_LITE = "6.4"
"""The version of the language that specifications are in, as ``vl-convert`` calls it."""


MOST_MEMORY = 1 << 30
"""Bytes of data that it may map, of which its engine sets more than half aside at once: with 20,000 dots it maps 0.7 GiB, and
holds 0.25 GiB of them."""


def draw(job: Mapping[str, Any]) -> bytes:
    """The picture that ``job`` asks for: of a ``spec`` in a ``form`` at a ``scale``, or the page that an ``svg`` draws, as PDF."""
    import vl_convert

    if "svg" in job:
        return bytes(vl_convert.svg_to_pdf(job["svg"]))
    offline: dict[str, Any] = {"vl_version": VEGA_LITE, "allowed_base_urls": []}
    if job["form"] == "png":
        return bytes(vl_convert.vegalite_to_png(job["spec"], scale=job["scale"], **offline))
    if job["form"] == "pdf":
        return bytes(vl_convert.vegalite_to_pdf(job["spec"], **offline))
    return str(vl_convert.vegalite_to_svg(job["spec"], **offline)).encode()


def main() -> None:
    """Draw until the input ends."""
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))
    out = sys.stdout.buffer
    for line in sys.stdin.buffer:
        try:
            data, wrong = draw(json.loads(line)), ""
        except Exception as error:  # whatever the library thinks of a specification is its caller's to tell
            data, wrong = b"", str(error) or type(error).__name__
        out.write(json.dumps({"size": len(data), "error": wrong}).encode() + b"\n" + data)
        out.flush()


if __name__ == "__main__":
    main()
