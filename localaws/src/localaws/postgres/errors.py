"""What the data plane says when it cannot do what it was asked."""


class DataPlaneError(RuntimeError):
    """A sentence: what happened to which cluster's data, where, and what to do."""
