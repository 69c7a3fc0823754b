"""Probes of rotations by Secrets Manager, each with a secret, a function and its role."""

from dataclasses import dataclass
from typing import Any, Final

from automation.probes.families.secret_versions import SECRET_COST, secret, stages
from automation.probes.families.sources import DOC_SECRETS, REPORT, doc, model
from automation.probes.observations import ACCEPTED, UNDOCUMENTED, Observation
from automation.probes.probe import Family
from automation.probes.sandbox import Sandbox

ROTATIONS: Final = Family("secretsmanager", "lambda", "iam", "sts")
_PRINCIPAL: Final = "secretsmanager.amazonaws.com"
_STEP_SECONDS: Final = 120.0
_DAYS: Final = 2
_STEPS: Final = ("createSecret", "setSecret", "testSecret", "finishSecret")
# Each step leaves a tag with what it saw, so that nothing else has to be read. The tag `fails` of
# the secret names a step that fails.
_CODE: Final = """
import boto3

secrets = boto3.client("secretsmanager")


def handler(event, context):
    step, arn, token = event["Step"], event["SecretId"], event["ClientRequestToken"]
    described = secrets.describe_secret(SecretId=arn)
    labels = described["VersionIdsToStages"]
    value = "has a value"
    try:
        secrets.get_secret_value(SecretId=arn, VersionId=token)
    except secrets.exceptions.ClientError as error:
        value = error.response["Error"]["Code"]
    seen = " ".join([value, *sorted(labels[token])])
    tags = {tag["Key"]: tag["Value"] for tag in described.get("Tags", [])}
    secrets.tag_resource(SecretId=arn, Tags=[{"Key": step, "Value": seen}])
    if tags.get("fails") == step:
        raise ValueError("the probe's failure")
    if step == "createSecret" and value != "has a value":
        secrets.put_secret_value(
            SecretId=arn,
            ClientRequestToken=token,
            SecretString="rotated",
            VersionStages=["AWSPENDING"],
        )
    if step == "finishSecret":
        [current] = [key for key in labels if "AWSCURRENT" in labels[key]]
        secrets.update_secret_version_stage(
            SecretId=arn,
            VersionStage="AWSCURRENT",
            MoveToVersionId=token,
            RemoveFromVersionId=current,
        )
"""


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """A secret and the function that rotates it."""

    box: Sandbox
    secret: str
    function: str

    @classmethod
    def create(cls, box: Sandbox, *, invocable: bool = True) -> "Rotation":
        """Create both.

        Args:
            invocable: whether Secrets Manager may invoke the function.
        """
        arn = secret(box)
        actions = ("DescribeSecret", "GetSecretValue", "PutSecretValue", "TagResource")
        allowed = [f"secretsmanager:{each}" for each in (*actions, "UpdateSecretVersionStage")]
        function = box.function(_CODE, {"Effect": "Allow", "Action": allowed, "Resource": arn})
        if invocable:
            box.client("lambda").add_permission(
                FunctionName=box.name,
                StatementId="rotation",
                Action="lambda:InvokeFunction",
                Principal=_PRINCIPAL,
                SourceAccount=box.account,
            )
        return cls(box=box, secret=arn, function=function)

    def rotate(self, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - boto3's
        """Set up a rotation, and begin one unless a parameter says otherwise."""
        answer: dict[str, Any] = self.box.client("secretsmanager").rotate_secret(
            **{
                "SecretId": self.secret,
                "RotationLambdaARN": self.function,
                "RotationRules": {"AutomaticallyAfterDays": _DAYS},
                **parameters,
            }
        )
        return answer

    def tags(self) -> dict[str, str]:
        """Return the secret's tags."""
        found = self.box.client("secretsmanager").describe_secret(SecretId=self.secret)
        return {each["Key"]: each["Value"] for each in found.get("Tags", [])}

    def wait_for(self, step: str) -> None:
        """Wait until the function has run a step."""
        self.box.until(lambda: step in self.tags(), _STEP_SECONDS, f"the step {step}")

    def fail_at(self, step: str) -> None:
        """Have a step of the function fail."""
        self.box.client("secretsmanager").tag_resource(
            SecretId=self.secret, Tags=[{"Key": "fails", "Value": step}]
        )


@ROTATIONS.probe(
    "rotation-steps",
    rows=[
        "RotateSecret",
        "That version before the function fills it",
        "AWSPENDING after a rotation",
    ],
    documented={
        "createSecret": "ResourceNotFoundException AWSPENDING",
        "setSecret": "has a value AWSPENDING",
        "testSecret": "has a value AWSPENDING",
        "finishSecret": "has a value AWSPENDING",
        "labels of the new": ["AWSCURRENT"],
        "labels of the old": ["AWSPREVIOUS"],
    },
    source=f"{model('secretsmanager')}; {REPORT}",
    seconds=90,
    cost=SECRET_COST,
)
def _steps(box: Sandbox) -> Observation:
    """What does each step of a rotation find, and which labels are left?"""
    rotation = Rotation.create(box)
    [old] = stages(box)
    new = rotation.rotate()["VersionId"]
    rotation.wait_for("finishSecret")
    box.until(lambda: "AWSPENDING" not in stages(box)[new], _STEP_SECONDS, "the rotation's end")
    tags, labels = rotation.tags(), stages(box)
    return {
        **{step: tags.get(step) for step in _STEPS},
        "labels of the new": labels[new],
        "labels of the old": labels[old],
    }


@ROTATIONS.probe(
    "rotation-unfinished",
    rows=["AWSPENDING that an unfinished rotation left"],
    documented={
        "labels of the new": ["AWSPENDING"],
        "next rotation": "InvalidRequestException",
    },
    source=model("secretsmanager"),
    seconds=120,
    cost=SECRET_COST,
)
def _unfinished(box: Sandbox) -> Observation:
    """Is a rotation refused after one that failed?"""
    rotation = Rotation.create(box)
    rotation.fail_at("setSecret")
    new = rotation.rotate()["VersionId"]
    rotation.wait_for("setSecret")
    return {
        "labels of the new": stages(box)[new],
        "next rotation": box.outcome(rotation.rotate),
    }


@ROTATIONS.probe(
    "rotation-not-permitted",
    rows=["Rotation function without permission for Secrets Manager"],
    documented={"rotation": "AccessDeniedException", "enabled": False},
    source=REPORT,
    seconds=60,
    cost=SECRET_COST,
)
def _not_permitted(box: Sandbox) -> Observation:
    """How is a rotation refused if Secrets Manager may not invoke the function?"""
    rotation = Rotation.create(box, invocable=False)
    code = box.outcome(rotation.rotate)
    found = box.client("secretsmanager").describe_secret(SecretId=rotation.secret)
    return {"rotation": code, "enabled": bool(found.get("RotationEnabled"))}


@ROTATIONS.probe(
    "rotation-later",
    rows=["RotateImmediately=false", "CancelRotateSecret"],
    documented={
        "steps": ["testSecret"],
        "labels": ["AWSCURRENT"],
        "enabled": True,
        "enabled after the cancellation": False,
        "function after the cancellation": True,
    },
    source=f"{model('secretsmanager')}; {REPORT}",
    seconds=90,
    cost=SECRET_COST,
)
def _later(box: Sandbox) -> Observation:
    """What does RotateSecret do that rotates later, and what does CancelRotateSecret keep?"""
    rotation = Rotation.create(box)
    [only] = stages(box)
    rotation.rotate(RotateImmediately=False)
    rotation.wait_for("testSecret")
    box.until(lambda: list(stages(box)) == [only], _STEP_SECONDS, "the test's end")
    client = box.client("secretsmanager")
    before = client.describe_secret(SecretId=rotation.secret)
    steps = [step for step in _STEPS if step in rotation.tags()]
    client.cancel_rotate_secret(SecretId=rotation.secret)
    after = client.describe_secret(SecretId=rotation.secret)
    return {
        "steps": steps,
        "labels": stages(box)[only],
        "enabled": bool(before.get("RotationEnabled")),
        "enabled after the cancellation": bool(after.get("RotationEnabled")),
        "function after the cancellation": "RotationLambdaARN" in after,
    }


@ROTATIONS.probe(
    "rotation-without-rules",
    rows=["First RotateSecret without RotationRules"],
    documented={"rotation": UNDOCUMENTED},
    source=doc(f"{DOC_SECRETS}/apireference/API_RotateSecret.html"),
    seconds=60,
    cost=SECRET_COST,
)
def _without_rules(box: Sandbox) -> Observation:
    """Is a first RotateSecret without RotationRules refused?"""
    rotation = Rotation.create(box)
    code = box.outcome(
        lambda: box.client("secretsmanager").rotate_secret(
            SecretId=rotation.secret, RotationLambdaARN=rotation.function
        )
    )
    if code == ACCEPTED:
        rotation.wait_for("finishSecret")
    return {"rotation": code}
