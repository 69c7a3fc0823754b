"""What fixes an error of AWS that a deployment ran into."""

import pytest

from automation.remedies import find_remedies

CLOSED = (
    "server-service: creating App Runner Service (neo4j-mcp-dev): operation error AppRunner:"
    " CreateService, AccessDeniedException: AWS App Runner is in maintenance mode and is no longer"
    " available to new customers as of April 30, 2026."
)
NOT_SUBSCRIBED = (
    "server-scaling: operation error AppRunner: CreateAutoScalingConfiguration,"
    " SubscriptionRequiredException: The AWS Access Key Id needs a subscription"
)
NO_CONCURRENCY = (
    "server-function: setting Lambda Function (neo4j-mcp-dev-function) concurrency:"
    " InvalidParameterValueException: Specified ReservedConcurrentExecutions for function"
    " decreases account's UnreservedConcurrentExecution below its minimum value of [10]."
)
# As the AWS provider wraps AWS's messages.
LINKED_ROLE_UNUSABLE = (
    "server-cluster: creating ECS Cluster (neo4j-mcp-dev): operation error ECS: CreateCluster,"
    " InvalidParameterException: Unable to assume the service linked role. Please verify that the"
    " ECS service linked role exists."
)
LINKED_ROLE_REFUSED = (
    "server-load-balancer: creating ELBv2 application Load Balancer (x): operation error Elastic"
    " Load Balancing v2: CreateLoadBalancer, AccessDenied: User: arn:aws:sts::1:assumed-role/x is"
    " not authorized to perform: iam:CreateServiceLinkedRole on resource:"
    " arn:aws:iam::1:role/aws-service-role/elasticloadbalancing.amazonaws.com/"
    "AWSServiceRoleForElasticLoadBalancing because no identity-based policy allows it"
)
NO_LOAD_BALANCERS = (
    "OperationNotPermitted: This AWS account currently does not support creating load balancers."
    " For more information, please contact AWS Support."
)
CERTIFICATE_NOT_FOUND = (
    "server-load-balancer-listener: creating ELBv2 Listener (x): CreateListener,"
    " CertificateNotFound: Certificate 'arn:aws:acm:eu-west-1:1:certificate/0f' not found"
)
CERTIFICATE_UNSUPPORTED = (
    "modifying ELBv2 Listener (x): ModifyListener, api error UnsupportedCertificate: The"
    " certificate 'arn:aws:acm:eu-west-1:1:certificate/0f' must have a fully-qualified domain name,"
    " a supported signature, and a supported key size."
)
NO_INTERNET_GATEWAY = (
    "edge-origin: creating CloudFront VPC Origin: InvalidArgument: arn:aws:elasticloadbalancing:x"
    " does not have an internet gateway in its VPC"
)
OTHER_ZONE = (
    "InvalidChangeBatch: [RRSet with DNS name mcp.example.com. is not permitted in zone other.com.]"
)
RECORD_EXISTS = (
    "InvalidChangeBatch: [Tried to create resource record set [name='mcp.example.com.', type='A']"
    " but it already exists]"
)
RECORD_CONFLICTS = (
    "InvalidChangeBatch: [RRSet of type A with DNS name mcp.example.com. is not permitted because a"
    " conflicting RRSet of type CNAME with the same DNS name already exists in zone example.com.]"
)
LOG_KEY_REFUSED = (
    "claims-logs: creating CloudWatch Logs Log Group (x): operation error CloudWatch Logs:"
    " CreateLogGroup, api error AccessDeniedException: The specified KMS key does not exist or is"
    " not allowed to be used with Arn 'arn:aws:logs:eu-west-1:1:log-group:x'"
)
NOT_AUTHORIZED = (
    "server-service: AppRunner: CreateService, AccessDeniedException: User: arn is not authorized"
    " to perform: apprunner:CreateService"
)


@pytest.mark.parametrize(
    ("error", "fix"),
    [
        (
            CLOSED,
            "hosting lambda",
        ),
        (
            NOT_SUBSCRIBED,
            "hosting lambda",
        ),
        (
            NO_CONCURRENCY,
            "maxInstances 0",
        ),
    ],
)
def test_an_account_that_lacks_something_is_shown_the_setting(error: str, fix: str) -> None:
    (remedy,) = find_remedies(error, "dev")

    assert f"pulumi config set --stack dev {fix}" in remedy


@pytest.mark.parametrize(
    ("error", "fix"),
    [
        (LINKED_ROLE_UNUSABLE, "--aws-service-name ecs.amazonaws.com"),
        (LINKED_ROLE_REFUSED, "--aws-service-name elasticloadbalancing.amazonaws.com."),
        (NO_LOAD_BALANCERS, "pulumi config set --stack dev hosting lambda"),
        (CERTIFICATE_NOT_FOUND, "--stack dev serviceDomain.certificateArn"),
        (CERTIFICATE_UNSUPPORTED, "--stack dev serviceDomain.certificateArn"),
        (NO_INTERNET_GATEWAY, "aws ec2 attach-internet-gateway"),
        (OTHER_ZONE, "config set --path --stack dev serviceDomain.hostedZoneId"),
        (RECORD_EXISTS, "config rm --path --stack dev serviceDomain.hostedZoneId"),
        (RECORD_CONFLICTS, "config rm --path --stack dev serviceDomain.hostedZoneId"),
    ],
)
def test_what_stops_a_deployment_to_fargate_is_shown_with_its_fix(error: str, fix: str) -> None:
    (remedy,) = find_remedies(error, "dev")

    assert fix in remedy


def test_a_key_that_cloudwatch_logs_refuses_is_shown_with_its_fix() -> None:
    (remedy,) = find_remedies(LOG_KEY_REFUSED, "dev")

    assert "aws kms put-key-policy" in remedy
    assert "pulumi config rm --stack dev logKeyArn" in remedy


@pytest.mark.parametrize(
    "error",
    [
        (
            "credentials-agent: CreateSecret: InvalidRequestException: You can't create this secret"
            " because a secret with this name is already scheduled for deletion."
        ),
        (
            "credentials-agent: creating Secrets Manager Secret (neo4j-mcp-dev-agent):"
            " operation error Secrets Manager: CreateSecret, ResourceExistsException: The operation"
            " failed because the secret neo4j-mcp-dev-agent-credentials-1 already exists."
        ),
    ],
)
def test_a_secret_that_exists_is_shown_with_the_procedure_that_replaces_it(error: str) -> None:
    (remedy,) = find_remedies(error, "dev")

    assert "docs/procedures.md#replace-secret" in remedy


@pytest.mark.parametrize(
    "error",
    [
        NOT_AUTHORIZED,
        "edge: CloudFront: CreateDistribution: not available to new customers",
        "server-service: the service is CREATE_FAILED",
    ],
)
def test_other_errors_are_shown_as_they_are(error: str) -> None:
    assert list(find_remedies(error, "dev")) == []
