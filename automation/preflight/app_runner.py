"""Whether App Runner takes this account.

No operation that only reads says so, according to AWS's documentation: an account that has services
is a customer, and one without may be. Such an account makes one request that App Runner has to
refuse, because it names nothing to run: the reason of the refusal shows whether it is the account.
"""

from collections.abc import Iterator
from typing import Any, Final

from botocore.exceptions import ClientError

from automation.preflight.findings import Plan, PreflightError
from automation.remedies import another_host
from automation.sessions import Clients
from components.hosting.apprunner.availability import CLOSED_SINCE, refuses_new_customers

_SERVICE: Final = "aws:apprunner/service:Service"


def check_availability(plan: Plan, clients: Clients) -> Iterator[str]:
    """Find out whether App Runner refuses the service that is going to be created.

    Returns:
        A line for the user if only the creation itself can show it.

    Raises:
        PreflightError: App Runner takes no new customers, and this account is one.
    """
    if not plan.creates(_SERVICE):
        return
    apprunner = clients("apprunner")
    try:
        if not apprunner.list_services(MaxResults=1)["ServiceSummaryList"]:
            _request_nothing(apprunner, plan.names.service)
            region = apprunner.meta.region_name
            yield (
                f"App Runner has taken no new customers since {CLOSED_SINCE}, and this account has"
                f" no service in {region}. If AWS refuses to create one, choose another host:"
                " docs/hosting.md"
            )
    except ClientError as error:
        # Anything else, such as a missing permission, says nothing about the account.
        if refuses_new_customers(str(error)):
            raise PreflightError(
                f"{error}\n{another_host(plan.stack, plan.settings.host_key('hosting'))}"
            ) from error
        yield f"Whether App Runner takes this account isn't known: {error}"


def _request_nothing(apprunner: Any, name: str) -> None:  # noqa: ANN401 - boto3 makes its clients at run time
    """Request a service without anything to run, which App Runner refuses from every account.

    A source needs an image or code. Source: SourceConfiguration in the AWS App Runner API
    Reference.
    """
    try:
        apprunner.create_service(ServiceName=name, SourceConfiguration={})
    except apprunner.exceptions.InvalidRequestException:
        return
