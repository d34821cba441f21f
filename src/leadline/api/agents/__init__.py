"""Numbers as agents and their tools ask for them: one metric of one team, period by period, with what it means beside it."""
