"""A made-up organization with all its data, to try leadline on and to measure it with.

Options come in; a filled home goes out. Nothing here is used by the product itself.
"""

from leadline.demo.fill import DemoSummary, fill

__all__ = ["DemoSummary", "fill"]
