"""A made-up organization with all its data, to try leadline on and to measure it with. The product itself uses none of it."""

from leadline.demo.fill import DemoSummary, check_options, fill

__all__ = ["DemoSummary", "check_options", "fill"]
