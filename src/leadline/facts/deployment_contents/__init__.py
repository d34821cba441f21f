"""What every deployment carries: the commit graph walked once, and kept so that a new deployment costs what it adds.

``derive.first_deployment`` and ``derive.deployed_commit`` have the rules, the files here the reading, the state and the
writing.
"""

from leadline.facts.deployment_contents.steps import ANCHORS, CARRIED

__all__ = ["ANCHORS", "CARRIED"]
