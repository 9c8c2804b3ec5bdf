"""What CloudFormation says when it does not do what it is asked: its codes, and sentences."""

from moto.core.exceptions import ServiceException


class ValidationError(ServiceException):
    """CloudFormation's code for nearly everything that is wrong with a request.

    The text says what.
    """

    code = "ValidationError"


class AlreadyExistsError(ServiceException):
    """There is a stack of that name."""

    code = "AlreadyExistsException"


class InsufficientCapabilitiesError(ServiceException):
    """The template makes roles, and the request does not say that it may."""

    code = "InsufficientCapabilitiesException"


class ChangeSetNotFoundError(ServiceException):
    """There is no change set of that name."""

    code = "ChangeSetNotFound"


class InvalidChangeSetStatusError(ServiceException):
    """The change set cannot be executed as it stands."""

    code = "InvalidChangeSetStatus"


class UnmodelledRequestError(Exception):
    """AWS has it and localaws has not.

    The text names it. moto serializes no error that AWS's model does not have.
    """


class ResourceError(Exception):
    """A resource cannot be made, changed or deleted: the operation on its stack fails.

    The text is the reason.
    """
