"""Whether App Runner takes the account, which it refuses to new customers."""

from localcloud.aws.protocol import ApiError

# AWS documents no error. The words are those of AppRegistry, which was closed in the same way.
# Source: https://github.com/aws-solutions-library-samples/guidance-for-multi-provider-generative-ai-gateway-on-aws/pull/149
_CLOSED = (
    "AWS App Runner is in maintenance mode and is no longer available to new customers as of April"
    " 30, 2026. For alternatives, learn more at"
    " https://docs.aws.amazon.com/apprunner/latest/dg/apprunner-availability-change.html"
)


class Customers:
    """The accounts that App Runner takes: this one, unless it is closed."""

    def __init__(self) -> None:
        """Take the account."""
        self._open = True

    def set_open(self, is_open: bool) -> None:  # noqa: FBT001 - the name says what it is
        """Take or refuse the account."""
        self._open = is_open

    def check(self, operation: str) -> None:
        """Refuse a new service where the account isn't taken.

        Raises:
            ApiError: AccessDeniedException, with status 403.
        """
        if operation == "CreateService" and not self._open:
            raise ApiError("AccessDeniedException", _CLOSED, status=403)
