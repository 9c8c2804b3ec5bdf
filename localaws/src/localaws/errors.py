"""What localaws says when it cannot build or run its world."""


class WorldError(Exception):
    """A sentence for the person who started it: what happened, where, and what to do."""
