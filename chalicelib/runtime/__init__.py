"""From an event to a step and on: the router, the runner, the sweep, and how operations start."""
