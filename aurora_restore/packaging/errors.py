"""Why there is no package. Each text is a sentence that says what to do."""


class PackageError(Exception):
    """The package cannot be made."""


class MissingWheelError(PackageError):
    """A dependency has no wheel that Lambda could load; Chalice itself would go on without it."""
