"""CloudWatch's errors, by the names of their shapes."""

from http import HTTPStatus

from localcloud.aws.protocol import ApiError


def value_error(message: str) -> ApiError:
    """Return the error of a parameter with a wrong value."""
    return ApiError("InvalidParameterValueException", message)


def combination_error(message: str) -> ApiError:
    """Return the error of parameters that can't be combined."""
    return ApiError("InvalidParameterCombinationException", message)


def missing_parameter(message: str) -> ApiError:
    """Return the error of a missing parameter."""
    return ApiError("MissingRequiredParameterException", message)


def validation_error(message: str) -> ApiError:
    """Return the error of an alarm or a query that isn't valid."""
    return ApiError("ValidationException", message)


def unsupported(what: str) -> ApiError:
    """Return the error of something that AWS supports and the stand-in doesn't."""
    return ApiError("ValidationException", f"The stand-in's CloudWatch doesn't support {what}.")


def not_found(message: str) -> ApiError:
    """Return the error of an alarm that doesn't exist."""
    return ApiError("ResourceNotFound", message, HTTPStatus.NOT_FOUND)


def missing_resource(message: str) -> ApiError:
    """Return the error of a mute rule or a tagged resource that doesn't exist."""
    return ApiError("ResourceNotFoundException", message, HTTPStatus.NOT_FOUND)
