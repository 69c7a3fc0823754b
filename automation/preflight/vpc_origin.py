"""Whether CloudFront can reach an internal load balancer."""

from collections.abc import Iterator

from botocore.exceptions import ClientError

from automation.preflight.findings import Plan, PreflightError
from automation.sessions import Clients
from components.hosting.fargate.settings import FargateSettings


def check_vpc_origin(plan: Plan, clients: Clients) -> Iterator[str]:
    """Look up the internet gateway of a configured VPC without a public load balancer.

    CloudFront requires one, although nothing goes through it. Source: "Restrict access with VPC
    origins" in the Amazon CloudFront Developer Guide.

    Returns:
        A line for the user if it can't be looked up.

    Raises:
        PreflightError: the VPC has none.
    """
    host = plan.settings.host_as(FargateSettings)
    if host.network is None or host.service_domain is not None:
        return
    vpc = host.network.vpc_id
    filters = [{"Name": "attachment.vpc-id", "Values": [vpc]}]
    try:
        found = clients("ec2").describe_internet_gateways(Filters=filters)["InternetGateways"]
    except ClientError as error:
        yield f"Whether CloudFront can reach {vpc} isn't known: {error}"
        return
    if not found:
        raise PreflightError(
            f"{vpc} has no internet gateway, without which CloudFront has no way to the load"
            " balancer. No subnet needs a route to it. Run: aws ec2 create-internet-gateway, then"
            f" aws ec2 attach-internet-gateway --vpc-id {vpc} --internet-gateway-id <id>. Or set"
            " network to another VPC, or serviceDomain."
        )
