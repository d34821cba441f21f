"""leadline: developer productivity and DORA exports from a company's own engineering data.

Data flows one way: sources and files → lake (raw tables) → derive → facts → metrics → exports → api, command line.
People and their org trees join at the facts. Each package's opening paragraph says what comes in and what goes out.
"""

__version__ = "0.1.0"
