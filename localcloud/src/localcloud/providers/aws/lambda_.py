"""Lambda: functions and the permissions to invoke them.

Sources: the AWS Lambda API reference, and the schemas of aws_lambda_function and
aws_lambda_permission for what forces a replacement.
"""

import json
from typing import ClassVar, Final

from localcloud.providers.archives import zipped
from localcloud.providers.aws.clients import Aws, AwsError, Document
from localcloud.providers.aws.resource import (
    HANDLED,
    REGION,
    TAGGED,
    AwsResource,
    Operation,
    Tagging,
)
from localcloud.providers.aws.waiting import wait
from localcloud.providers.schema import (
    Created,
    InitializationError,
    Kind,
    Properties,
    Property,
    ProviderError,
    Request,
    refused,
)
from localcloud.providers.values import Archive, Values, text

_SETTLE_SECONDS: Final = 600.0
_UNRESERVED: Final = -1


class Function(AwsResource):
    """aws:lambda/function:Function."""

    token = "aws:lambda/function:Function"  # noqa: S105  # a Pulumi type
    service = "lambda"
    autonamed = "name"
    creates = Operation(name="CreateFunction")
    reads = Operation(name="GetFunction", result="Configuration")
    updates = Operation(name="UpdateFunctionConfiguration")
    deletes = Operation(name="DeleteFunction")
    tagging = Tagging(resource="Resource", pairs=None, list="ListTags")
    handled = HANDLED | {
        "code",
        "reservedConcurrentExecutions",
        "skipDestroy",
        "sourceCodeHash",
    }
    properties: ClassVar[Properties] = {
        "name": Property(required=True, force_new=True, aws="FunctionName"),
        "architectures": Property(kind=Kind.LIST, items=Property(), computed=True),
        "code": Property(kind=Kind.ASSET, required=True, write_only=True),
        "description": Property(),
        "environment": Property(
            kind=Kind.OBJECT,
            properties={"variables": Property(kind=Kind.MAP, items=Property())},
        ),
        "ephemeralStorage": Property(
            kind=Kind.OBJECT,
            computed=True,
            properties={"size": Property(kind=Kind.INTEGER, computed=True)},
        ),
        "handler": Property(required=True),
        "loggingConfig": Property(
            kind=Kind.OBJECT,
            computed=True,
            properties={
                "logFormat": Property(required=True),
                "applicationLogLevel": Property(),
                "logGroup": Property(computed=True),
                "systemLogLevel": Property(),
            },
        ),
        "memorySize": Property(kind=Kind.INTEGER, default=128),
        "packageType": Property(force_new=True, default="Zip"),
        "publish": Property(kind=Kind.BOOLEAN, default=False, write_only=True),
        "reservedConcurrentExecutions": Property(kind=Kind.INTEGER, default=_UNRESERVED),
        "role": Property(required=True),
        "runtime": Property(required=True),
        "skipDestroy": Property(kind=Kind.BOOLEAN, default=False, write_only=True),
        "sourceCodeHash": Property(computed=True, write_only=True),
        "timeout": Property(kind=Kind.INTEGER, default=3),
        "tracingConfig": Property(
            kind=Kind.OBJECT, computed=True, properties={"mode": Property(required=True)}
        ),
        "region": REGION,
        **TAGGED,
        "arn": Property(output=True, aws="FunctionArn"),
        "codeSha256": Property(output=True, volatile=True, unsupported=True),
        "invokeArn": Property(output=True),
        "lastModified": Property(output=True, volatile=True),
        "qualifiedArn": Property(output=True, volatile=True),
        "qualifiedInvokeArn": Property(output=True, volatile=True),
        "responseStreamingInvokeArn": Property(output=True),
        "signingJobArn": Property(output=True),
        "signingProfileVersionArn": Property(output=True),
        "sourceCodeSize": Property(kind=Kind.INTEGER, output=True, volatile=True, aws="CodeSize"),
        "version": Property(output=True, volatile=True),
        **refused(
            "capacityProviderConfig",
            "codeSigningConfigArn",
            "deadLetterConfig",
            "durableConfig",
            "fileSystemConfig",
            "imageConfig",
            "imageUri",
            "kmsKeyArn",
            "layers",
            "publishTo",
            "replaceSecurityGroupsOnDestroy",
            "replacementSecurityGroupIds",
            "s3Bucket",
            "s3Key",
            "s3ObjectVersion",
            "snapStart",
            "sourceKmsKeyArn",
            "tenancyConfig",
            "useResourceTimeoutForPropagation",
            "vpcConfig",
        ),
    }

    def identify(self, resource_id: str, state: Values) -> Document:
        """Name the function."""
        del state
        return {"FunctionName": resource_id}

    def created_id(self, inputs: Values, result: Document) -> str:
        """The id is the function's name."""
        del inputs
        return text(result["FunctionName"])

    def creation(self, request: Request[Aws], inputs: Values) -> Document:
        """Send the code along."""
        return {**super().creation(request, inputs), "Code": {"ZipFile": _code(request, inputs)}}

    def create(self, request: Request[Aws], inputs: Values) -> Created:
        """Make the function and wait until it can be invoked."""
        created = super().create(request, inputs)
        try:
            self._settle(request, created.id, inputs)
            self._reserve(request, created.id, {}, inputs)
        except ProviderError as error:
            raise InitializationError(created.id, str(error)) from error
        return created

    def more(
        self, request: Request[Aws], resource_id: str, state: Values, answer: Document
    ) -> Values:
        """Tell the ARNs that follow from the function's, and its reserved concurrency."""
        arn = text(answer["FunctionArn"])
        qualified = f"{arn}:{answer['Version']}"
        operation = Operation(name="GetFunctionConcurrency")
        concurrency = self.call(request, operation, {"FunctionName": resource_id}, state)
        return {
            "invokeArn": _invoke_arn(arn, "2015-03-31", "invocations"),
            "qualifiedArn": qualified,
            "qualifiedInvokeArn": _invoke_arn(qualified, "2015-03-31", "invocations"),
            "responseStreamingInvokeArn": _invoke_arn(
                arn, "2021-11-15", "response-streaming-invocations"
            ),
            "reservedConcurrentExecutions": concurrency.get(
                "ReservedConcurrentExecutions", _UNRESERVED
            ),
        }

    def update(self, request: Request[Aws], resource_id: str, olds: Values, news: Values) -> None:
        """Change settings, then code, each settled before the next."""
        apart = {"code", "sourceCodeHash", "reservedConcurrentExecutions"}
        # UpdateFunctionConfiguration leaves what it isn't given as it is.
        wanted: Values = {"description": "", "environment": {"variables": {}}, **news}
        rest = {name: value for name, value in wanted.items() if name not in apart}
        super().update(request, resource_id, olds, rest)
        self._settle(request, resource_id, news)
        code = {"code", "sourceCodeHash", "architectures"} & news.keys()
        if any(olds.get(name) != news[name] for name in code):
            parameters: Document = {"FunctionName": resource_id, "ZipFile": _code(request, news)}
            if "architectures" in news:
                parameters["Architectures"] = news["architectures"]
            if news.get("publish") is True:
                parameters["Publish"] = True
            self.call(request, Operation(name="UpdateFunctionCode"), parameters, news)
            self._settle(request, resource_id, news)
        self._reserve(request, resource_id, olds, news)

    def delete(self, request: Request[Aws], resource_id: str, state: Values) -> None:
        """Delete the function, unless the program wants it kept."""
        if state.get("skipDestroy") is not True:
            super().delete(request, resource_id, state)

    def _settle(self, request: Request[Aws], name: str, values: Values) -> None:
        """Wait until the function has taken its last change."""

        def poll() -> Document | None:
            found = self.call(request, self.reads, {"FunctionName": name}, values)
            pending = found.get("State") == "Pending"
            return None if pending or found.get("LastUpdateStatus") == "InProgress" else found

        settled = wait(request, poll, what=f"the function {name}", limit=_SETTLE_SECONDS)
        if settled.get("State") == "Failed" or settled.get("LastUpdateStatus") == "Failed":
            reason = settled.get("StateReason") or settled.get("LastUpdateStatusReason")
            raise ProviderError(f"the function {name} failed: {reason or 'no reason given'}")

    def _reserve(self, request: Request[Aws], name: str, olds: Values, news: Values) -> None:
        wanted = news.get("reservedConcurrentExecutions", _UNRESERVED)
        if wanted == olds.get("reservedConcurrentExecutions", _UNRESERVED):
            return
        parameters: Document = {"FunctionName": name}
        if wanted == _UNRESERVED:
            operation = Operation(name="DeleteFunctionConcurrency")
        else:
            operation = Operation(name="PutFunctionConcurrency")
            parameters["ReservedConcurrentExecutions"] = wanted
        self.call(request, operation, parameters, news)


class Permission(AwsResource):
    """aws:lambda/permission:Permission."""

    token = "aws:lambda/permission:Permission"  # noqa: S105  # a Pulumi type
    service = "lambda"
    creates = Operation(name="AddPermission")
    reads = Operation(name="GetPolicy")
    deletes = Operation(name="RemovePermission")
    handled = HANDLED
    properties: ClassVar[Properties] = {
        "statementId": Property(required=True, force_new=True),
        "action": Property(required=True, force_new=True),
        "function": Property(required=True, force_new=True, aws="FunctionName"),
        "principal": Property(required=True, force_new=True),
        "qualifier": Property(force_new=True),
        "sourceAccount": Property(force_new=True),
        "sourceArn": Property(force_new=True),
        "region": REGION,
        **refused(
            "eventSourceToken",
            "functionUrlAuthType",
            "invokedViaFunctionUrl",
            "principalOrgId",
            "statementIdPrefix",
        ),
    }

    def identify(self, resource_id: str, state: Values) -> Document:
        """Name the function and the statement; an import names both: function/statement."""
        function, _, statement = resource_id.rpartition("/")
        identity = {"FunctionName": state.get("function", function), "StatementId": statement}
        return identity | ({"Qualifier": state["qualifier"]} if "qualifier" in state else {})

    def created_id(self, inputs: Values, result: Document) -> str:
        """The id is the statement's."""
        del result
        return text(inputs["statementId"])

    def read(self, request: Request[Aws], resource_id: str, state: Values) -> Values | None:
        """Find the statement in the function's policy."""
        identity = self.identify(resource_id, state)
        named = {name: value for name, value in identity.items() if name != "StatementId"}
        try:
            answer = self.call(request, self.reads, named, state)
        except AwsError as error:
            if error.code in self.gone:
                return None
            raise
        for statement in json.loads(answer["Policy"])["Statement"]:
            if statement.get("Sid") == identity["StatementId"]:
                found = _permission(statement)
                found["function"] = identity["FunctionName"]
                found["region"] = state.get("region") or request.context.region
                found["id"] = identity["StatementId"]
                return found
        return None


def _permission(statement: Document) -> Values:
    """Read a statement of a function's policy as AddPermission's parameters."""
    principal = statement["Principal"]
    if isinstance(principal, dict):
        principal = principal.get("Service") or principal.get("AWS")
    values: Values = {
        "statementId": statement["Sid"],
        "action": statement["Action"],
        "principal": principal,
    }
    condition = statement.get("Condition", {})
    for operator, key, name in (
        ("ArnLike", "aws:sourcearn", "sourceArn"),
        ("StringEquals", "aws:sourceaccount", "sourceAccount"),
    ):
        tested = {one.lower(): value for one, value in condition.get(operator, {}).items()}
        if key in tested:
            values[name] = tested[key]
    return values


def _code(request: Request[Aws], inputs: Values) -> bytes:
    code = inputs["code"]
    if not isinstance(code, Archive):
        raise ProviderError("code must be an archive, not a single asset")
    return zipped(code, request.context.project_directory)


def _invoke_arn(arn: str, version: str, suffix: str) -> str:
    partition, region = arn.split(":")[1], arn.split(":")[3]
    return f"arn:{partition}:apigateway:{region}:lambda:path/{version}/functions/{arn}/{suffix}"
