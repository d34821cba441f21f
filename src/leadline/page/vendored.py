"""What others made and pages load: whole files as their packages on npm have them, below ``static/vendor``, each package in a
folder with its licence. A test holds them against this list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Vendored:
    """A package in a version. ``files`` are the SHA-256 of each by its name in ``folder``; ``LICENSE.txt`` is the licence."""

    folder: str
    package: str
    version: str
    licence: str
    files: Mapping[str, str]


VENDORED = (
    Vendored(
        "htmx",
        "htmx.org",
        "2.0.11",
        "0BSD",
        {
            "htmx.min.js": "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717",
            "LICENSE.txt": "d3d2456f76414f2456104660ebd65aff1c04cd7966b942bdabd63f3cdb316a38",
        },
    ),
    # The versions with which pictures are made on the server, so that both draw alike.
    Vendored(
        "vega",
        "vega",
        "6.2.0",
        "BSD-3-Clause",
        {
            "vega.min.js": "ea6a5936381d06f912466354e2b6a20eb66c4d41f1ca9dff1e0236dfee6ee392",
            "LICENSE.txt": "63727832aaf62004a2b249c933e327f3c90caf49e41a72f4bf436edf632cbda8",
        },
    ),
    Vendored(
        "vega-lite",
        "vega-lite",
        "6.4.3",
        "BSD-3-Clause",
        {
            "vega-lite.min.js": "35a9821df838825b05a6a73e9414b58747a1b18321583858ed903c66393a5c7e",
            "LICENSE.txt": "f618900fd0d64046963b29f40590cdd1e341a2f41449f99110d82fd81fea808c",
        },
    ),
    # Has Vega's interpreter of expressions and the tooltips in it.
    Vendored(
        "vega-embed",
        "vega-embed",
        "7.1.0",
        "BSD-3-Clause",
        {
            "vega-embed.min.js": "c36254270219eee58fb9b1d954decad954fb07bfc9ab780c5d4401bd445cd50c",
            "LICENSE.txt": "32df67148f0fc3db0eb9e263a7b75d07f1eb14c61955005a4a39c6918d10d137",
        },
    ),
    Vendored(
        "inter",
        "@fontsource-variable/inter",
        "5.3.0",
        "OFL-1.1",
        {
            "inter-latin-wght-normal.woff2": "3100e775e8616cd2611beecfa23a4263d7037586789b43f035236a2e6fbd4c62",
            "inter-latin-ext-wght-normal.woff2": "34b9c504cab7a73e37b746343a449132e56cf7b5481af2cb81dc74dcff25c956",
            "LICENSE.txt": "3b0a5fca3d17942cde889069889dedbbbd075e9b599968c82a95f4d944e9b345",
        },
    ),
)
