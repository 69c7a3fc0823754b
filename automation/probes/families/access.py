"""Probes of signatures (STS), roles (IAM) and the event history (CloudTrail)."""

import datetime as dt
from typing import Final
from urllib.parse import urlsplit

import httpx2
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from automation.probes.families.sources import DOC_IAM, REPORT, doc, model
from automation.probes.kinds import ROLE
from automation.probes.observations import ACCEPTED, REFUSED, UNDOCUMENTED, Observation
from automation.probes.probe import Family
from automation.probes.sandbox import Sandbox, policy

SIGNATURES: Final = Family("sts")
ROLES: Final = Family("iam", "sts")
EVENT_HISTORY: Final = Family("cloudtrail")
_BODY: Final = "Action=GetCallerIdentity&Version=2011-06-15"
_FORM: Final = "application/x-www-form-urlencoded"
_DATE: Final = "X-Amz-Date"
_MOST_RESULTS: Final = 50


class _DatedSignature(SigV4Auth):
    """Signs a request as at another time."""

    def __init__(self, credentials: Credentials, region: str, at: dt.datetime) -> None:
        super().__init__(credentials, "sts", region)
        self._date = at.strftime("%Y%m%dT%H%M%SZ")

    def canonical_request(self, request: AWSRequest) -> str:
        request.context["timestamp"] = self._date
        del request.headers[_DATE]
        request.headers[_DATE] = self._date
        return str(super().canonical_request(request))


def _identity(
    box: Sandbox,
    *,
    minutes: float = 0,
    key_id: str | None = None,
    secret: str | None = None,
    region: str | None = None,
) -> str:
    """Call GetCallerIdentity with a signature; return `accepted` or the error's code.

    Args:
        minutes: the signature's age.
        key_id: another access key.
        secret: another secret key.
        region: another region.
    """
    own = box.around.credentials
    credentials = Credentials(
        key_id or own.access_key or "",
        secret or own.secret_key or "",
        None if key_id else own.token,
    )
    url = box.client("sts").meta.endpoint_url
    request = AWSRequest("POST", f"{url}/", data=_BODY, headers={"Content-Type": _FORM})
    at = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=minutes)
    _DatedSignature(credentials, region or box.around.region, at).add_auth(request)
    return _answer(box, url, dict(request.headers.items()))


def _answer(box: Sandbox, url: str, headers: dict[str, str]) -> str:
    response = box.around.http.post(
        f"{url}/", content=_BODY, headers={**headers, "Host": urlsplit(url).netloc}
    )
    return ACCEPTED if response.is_success else _code(box, response)


def _code(box: Sandbox, response: httpx2.Response) -> str:
    box.messages.append(response.text)
    code = response.text.partition("<Code>")[2].partition("</Code>")[0]
    return code or str(response.status_code)


@SIGNATURES.probe(
    "sts-signatures",
    rows=["Wrong, missing or unknown signature", "Age of a signature"],
    documented={
        "right": ACCEPTED,
        "wrong secret key": "SignatureDoesNotMatch",
        "unknown access key": "InvalidClientTokenId",
        "no signature": "MissingAuthenticationToken",
        "another region": UNDOCUMENTED,
        "4 minutes old": ACCEPTED,
        "20 minutes old": "SignatureDoesNotMatch",
        "20 minutes in the future": "SignatureDoesNotMatch",
    },
    source=f"{doc(f'{DOC_IAM}/reference_sigv-troubleshooting.html')}; {REPORT}",
)
def _signatures(box: Sandbox) -> Observation:
    """How are signatures refused that are wrong, missing, or of another time or region?"""
    other_region = "eu-west-1" if box.around.region != "eu-west-1" else "us-east-1"
    return {
        "right": _identity(box),
        "wrong secret key": _identity(box, secret="wrong" * 8),
        "unknown access key": _identity(box, key_id="AKIA" + "A" * 16),
        "no signature": _answer(box, box.client("sts").meta.endpoint_url, {"Content-Type": _FORM}),
        "another region": _identity(box, region=other_region),
        "4 minutes old": _identity(box, minutes=4),
        "20 minutes old": _identity(box, minutes=20),
        "20 minutes in the future": _identity(box, minutes=-20),
    }


def _create_role(box: Sandbox, trust: str, suffix: str = "") -> str:
    name = f"{box.name}{suffix}"
    box.owns(ROLE, name)
    return box.outcome(
        lambda: box.client("iam").create_role(
            RoleName=name, AssumeRolePolicyDocument=trust, Tags=box.tags
        )
    )


def _trust(**principal: str) -> str:
    return policy({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})


@ROLES.probe(
    "iam-roles",
    rows=["Role that is missing, exists, or has policies"],
    documented={
        "missing": "NoSuchEntity",
        "missing policy": "NoSuchEntity",
        "twice": "EntityAlreadyExists",
        "with a policy": "DeleteConflict",
        "policy without JSON": "MalformedPolicyDocument",
    },
    source=model("iam"),
)
def _roles(box: Sandbox) -> Observation:
    """Which errors do roles have?"""
    iam = box.client("iam")
    missing = box.outcome(lambda: iam.get_role(RoleName=box.name))
    trust = _trust(Service="lambda.amazonaws.com")
    _create_role(box, trust)
    missing_policy = box.outcome(lambda: iam.get_role_policy(RoleName=box.name, PolicyName="probe"))
    no_json = box.outcome(
        lambda: iam.put_role_policy(RoleName=box.name, PolicyName="probe", PolicyDocument="{")
    )
    allow = {"Effect": "Allow", "Action": "sts:GetCallerIdentity", "Resource": "*"}
    iam.put_role_policy(RoleName=box.name, PolicyName="probe", PolicyDocument=policy(allow))
    return {
        "missing": missing,
        "missing policy": missing_policy,
        "twice": _create_role(box, trust),
        "with a policy": box.outcome(lambda: iam.delete_role(RoleName=box.name)),
        "policy without JSON": no_json,
    }


@ROLES.probe(
    "iam-unknown-principal",
    rows=["Role that trusts a role that doesn't exist", "Role that trusts an unknown service"],
    documented={"role": "MalformedPolicyDocument", "service": "MalformedPolicyDocument"},
    source=doc(f"{DOC_IAM}/troubleshoot_roles.html"),
    differs=["service"],
)
def _unknown_principal(box: Sandbox) -> Observation:
    """Is a role refused that trusts a role or a service that doesn't exist?"""
    role = f"arn:aws:iam::{box.account}:role/{box.name}-missing"
    return {
        "role": _create_role(box, _trust(AWS=role)),
        "service": _create_role(box, _trust(Service="missing.amazonaws.com"), "-2"),
    }


@ROLES.probe(
    "iam-simulation",
    rows=["Policy simulator"],
    documented={
        "allowed": "allowed",
        "other resource": "implicitDeny",
        "other action": "implicitDeny",
        "denied": "explicitDeny",
        "condition met": "allowed",
        "condition not met": "implicitDeny",
        "key missing": "implicitDeny",
        "missing role": "NoSuchEntity",
    },
    source=model("iam"),
    seconds=20,
)
def _simulation(box: Sandbox) -> Observation:
    """How does SimulatePrincipalPolicy decide?"""
    iam = box.client("iam")
    own = f"arn:aws:secretsmanager:{box.around.region}:{box.account}:secret:{box.name}-one"
    arn = box.role(
        "lambda.amazonaws.com",
        {"Effect": "Allow", "Action": "secretsmanager:*Secret*", "Resource": own},
        {"Effect": "Deny", "Action": "secretsmanager:DeleteSecret", "Resource": "*"},
        {
            "Effect": "Allow",
            "Action": "cloudwatch:PutMetricData",
            "Resource": "*",
            "Condition": {"StringEquals": {"cloudwatch:namespace": "Probe"}},
        },
    )
    # A new role may be unknown, and its policy too.
    box.around.sleep(box.around.propagation)

    def decision(action: str, resource: str) -> str:
        [result] = iam.simulate_principal_policy(
            PolicySourceArn=arn,
            ActionNames=[f"secretsmanager:{action}"],
            ResourceArns=[resource],
        )["EvaluationResults"]
        return str(result["EvalDecision"])

    def publication(*namespaces: str) -> str:
        [result] = iam.simulate_principal_policy(
            PolicySourceArn=arn,
            ActionNames=["cloudwatch:PutMetricData"],
            ContextEntries=[
                {
                    "ContextKeyName": "cloudwatch:namespace",
                    "ContextKeyValues": [each],
                    "ContextKeyType": "string",
                }
                for each in namespaces
            ],
        )["EvaluationResults"]
        return str(result["EvalDecision"])

    return {
        "allowed": decision("GetSecretValue", own),
        "other resource": decision("GetSecretValue", f"{own}-other"),
        "other action": decision("TagResource", own),
        "denied": decision("DeleteSecret", own),
        "condition met": publication("Probe"),
        "condition not met": publication("AWS/Lambda"),
        "key missing": publication(),
        "missing role": box.outcome(
            lambda: iam.simulate_principal_policy(
                PolicySourceArn=f"{arn}-missing",
                ActionNames=["sts:GetCallerIdentity"],
                ResourceArns=["*"],
            )
        ),
    }


@EVENT_HISTORY.probe(
    "cloudtrail-lookups",
    rows=["LookupEvents"],
    documented={
        "one attribute": ACCEPTED,
        "two attributes": "InvalidLookupAttributesException",
        "51 results": REFUSED,
        "start after the end": "InvalidTimeRangeException",
    },
    source=model("cloudtrail"),
    seconds=10,
)
def _lookups(box: Sandbox) -> Observation:
    """Which lookups in the event history are refused?"""
    client = box.client("cloudtrail")
    now = dt.datetime.now(dt.UTC)
    attributes = [
        {"AttributeKey": "EventName", "AttributeValue": box.name},
        {"AttributeKey": "ReadOnly", "AttributeValue": "false"},
    ]

    def look_up(**parameters: object) -> str:
        # Two requests a second are answered.
        box.around.sleep(0.6)
        return box.outcome(lambda: client.lookup_events(**parameters))

    return {
        "one attribute": look_up(LookupAttributes=attributes[:1], MaxResults=1),
        "two attributes": look_up(LookupAttributes=attributes, MaxResults=1),
        "51 results": look_up(MaxResults=_MOST_RESULTS + 1),
        "start after the end": look_up(StartTime=now, EndTime=now - dt.timedelta(hours=1)),
    }
