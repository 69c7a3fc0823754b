"""Lambda: functions, aliases, URLs, the permissions to invoke them, invocations in a deployment.

Sources: the AWS Lambda API reference, and the schemas of aws_lambda_function, aws_lambda_alias,
aws_lambda_function_url, aws_lambda_permission and aws_lambda_invocation for the changes that force
a replacement.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, Final

from localcloud.providers.archives import zip_archive
from localcloud.providers.aws.clients import Aws, AwsError, Document
from localcloud.providers.aws.resource import (
    HANDLED,
    REGION,
    TAGGED,
    AwsRequest,
    AwsResource,
    Operation,
    Tagging,
)
from localcloud.providers.aws.waiting import poll_until_done
from localcloud.providers.schema import (
    CheckRequest,
    Created,
    CreateRequest,
    Failure,
    InitializationError,
    Kind,
    Properties,
    Property,
    ProviderError,
    ResourceRequest,
    ResourceType,
    UpdateRequest,
    initializing,
    unsupported,
)
from localcloud.providers.values import Archive, Value, Values, as_string

_LIMIT_SECONDS: Final = 600.0
_UNRESERVED: Final = -1
_PUBLIC_URL: Final[Mapping[str, Document]] = {
    "FunctionURLAllowPublicAccess": {
        "Action": "lambda:InvokeFunctionUrl",
        "FunctionUrlAuthType": "NONE",
    },
    "FunctionURLAllowInvokeAction": {
        "Action": "lambda:InvokeFunction",
        "InvokedViaFunctionUrl": True,
    },
}
"""The statements that the real provider adds to the policy of a function with a public URL."""
_CREATE_ONLY: Final = "CREATE_ONLY"
_PUBLISH: Final = Operation(name="PublishVersion")
_UNPUBLISHED: Final = frozenset({"region", "reservedConcurrentExecutions", "skipDestroy", "tags"})
"""Inputs of a function that no version contains."""


class Function(AwsResource):
    """aws:lambda/function:Function."""

    token = "aws:lambda/function:Function"  # noqa: S105  # a Pulumi type
    service = "lambda"
    autonamed = "name"
    creates = Operation(name="CreateFunction")
    reads = Operation(name="GetFunction", result="Configuration")
    updates = Operation(name="UpdateFunctionConfiguration")
    deletes = Operation(name="DeleteFunction")
    id_members = ("FunctionName",)
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
        "vpcConfig": Property(
            kind=Kind.OBJECT,
            properties={
                "subnetIds": Property(kind=Kind.SET, items=Property(), required=True),
                "securityGroupIds": Property(kind=Kind.SET, items=Property(), required=True),
                "vpcId": Property(output=True, unsupported=True),
                **unsupported("ipv6AllowedForDualStack"),
            },
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
        **unsupported(
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
        ),
    }

    def create_parameters(self, request: CreateRequest[Aws]) -> Document:
        """Add the code."""
        code = {"ZipFile": _code(request, request.inputs)}
        return {**super().create_parameters(request), "Code": code}

    def create(self, request: CreateRequest[Aws]) -> Created:
        """Create the function and wait until it can be invoked."""
        created = super().create(request)
        with initializing(created.id):
            self._wait_until_active(request, created.id)
            self._reserve_concurrency(request, created.id, {}, request.inputs)
        return created

    def read(self, request: ResourceRequest[Aws]) -> Values | None:
        """Add the ARNs that follow from the function's, and its reserved concurrency."""
        if (found := super().read(request)) is None:
            return None
        operation = Operation(name="GetFunctionConcurrency")
        try:
            concurrency = self.call(request, operation, {"FunctionName": request.id})
        except AwsError as error:
            if error.code in self.not_found_codes:
                return None
            raise
        if not _subnets(found):
            found = {name: value for name, value in found.items() if name != "vpcConfig"}
        arn = as_string(found["arn"])
        version = self._last_version(request)
        qualified = f"{arn}:{version}"
        return {
            **found,
            "version": version,
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

    def update(self, request: UpdateRequest[Aws]) -> None:
        """Change settings, then code, and wait after each."""
        old, new = request.state, request.inputs
        # UpdateFunctionConfiguration keeps what it isn't given.
        settings: Values = {
            "description": "",
            "environment": {"variables": {}},
            "vpcConfig": {"subnetIds": [], "securityGroupIds": []},
            **new,
        }
        for separate in ("code", "sourceCodeHash", "reservedConcurrentExecutions"):
            settings.pop(separate, None)
        super().update(replace(request, inputs=settings))
        self._wait_until_active(request, request.id)
        code = {"code", "sourceCodeHash", "architectures"} & new.keys()
        if any(old.get(name) != new[name] for name in code):
            parameters: Document = {"FunctionName": request.id, "ZipFile": _code(request, new)}
            if "architectures" in new:
                parameters["Architectures"] = new["architectures"]
            self.call(request, Operation(name="UpdateFunctionCode"), parameters)
            self._wait_until_active(request, request.id)
        self._reserve_concurrency(request, request.id, old, new)
        changed = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
        settable = {name for name, each in self.properties.items() if not each.output}
        if new.get("publish") is True and changed & settable - _UNPUBLISHED:
            self.call(request, _PUBLISH, {"FunctionName": request.id})

    def delete(self, request: ResourceRequest[Aws]) -> None:
        """Delete the function, unless the program sets skipDestroy."""
        if request.state.get("skipDestroy") is not True:
            super().delete(request)

    def _last_version(self, request: ResourceRequest[Aws]) -> str:
        """Return the number of the last published version; $LATEST without one."""
        operation, version, marker = Operation(name="ListVersionsByFunction"), "", ""
        while not version or marker:
            more = {"Marker": marker} if marker else {}
            page = self.call(request, operation, {"FunctionName": request.id, **more})
            version, marker = page["Versions"][-1]["Version"], page.get("NextMarker", "")
        return version

    def _wait_until_active(self, request: AwsRequest, name: str) -> None:
        """Wait until the last change of the function has taken effect."""

        def poll() -> Document | None:
            found = self.call(request, self.reads, {"FunctionName": name})
            pending = found.get("State") == "Pending"
            return None if pending or found.get("LastUpdateStatus") == "InProgress" else found

        found = poll_until_done(request, poll, what=f"the function {name}", limit=_LIMIT_SECONDS)
        if found.get("State") == "Failed" or found.get("LastUpdateStatus") == "Failed":
            reason = found.get("StateReason") or found.get("LastUpdateStatusReason")
            raise ProviderError(f"the function {name} failed: {reason or 'no reason given'}")

    def _reserve_concurrency(
        self, request: AwsRequest, name: str, old: Values, new: Values
    ) -> None:
        reserved = new.get("reservedConcurrentExecutions", _UNRESERVED)
        if reserved == old.get("reservedConcurrentExecutions", _UNRESERVED):
            return
        parameters: Document = {"FunctionName": name}
        if reserved == _UNRESERVED:
            operation = Operation(name="DeleteFunctionConcurrency")
        else:
            operation = Operation(name="PutFunctionConcurrency")
            parameters["ReservedConcurrentExecutions"] = reserved
        self.call(request, operation, parameters)


class Alias(AwsResource):
    """aws:lambda/alias:Alias."""

    token = "aws:lambda/alias:Alias"  # noqa: S105  # a Pulumi type
    service = "lambda"
    autonamed = "name"
    creates = Operation(name="CreateAlias")
    reads = Operation(name="GetAlias")
    updates = Operation(name="UpdateAlias")
    deletes = Operation(name="DeleteAlias")
    id_members = ("AliasArn",)
    handled = HANDLED
    properties: ClassVar[Properties] = {
        "name": Property(required=True, force_new=True),
        "description": Property(),
        "functionName": Property(required=True, force_new=True),
        "functionVersion": Property(required=True),
        "region": REGION,
        "arn": Property(output=True, aws="AliasArn"),
        "invokeArn": Property(output=True),
        **unsupported("routingConfig"),
    }

    def identity(self, request: ResourceRequest[Aws]) -> Document:
        """Name the function and the alias, which are the end of the ARN."""
        function, _, alias = request.id.partition(":function:")[2].partition(":")
        return {"FunctionName": function, "Name": alias}

    def read(self, request: ResourceRequest[Aws]) -> Values | None:
        """Add the function, and what follows from the ARN."""
        if (found := super().read(request)) is None:
            return None
        return {
            **found,
            "functionName": self.identity(request)["FunctionName"],
            "invokeArn": _invoke_arn(as_string(found["arn"]), "2015-03-31", "invocations"),
        }

    def update(self, request: UpdateRequest[Aws]) -> None:
        """Change the alias; without a description it has none."""
        super().update(replace(request, inputs={"description": "", **request.inputs}))


class FunctionUrl(AwsResource):
    """aws:lambda/functionUrl:FunctionUrl."""

    token = "aws:lambda/functionUrl:FunctionUrl"  # noqa: S105  # a Pulumi type
    service = "lambda"
    creates = Operation(name="CreateFunctionUrlConfig")
    reads = Operation(name="GetFunctionUrlConfig")
    updates = Operation(name="UpdateFunctionUrlConfig")
    deletes = Operation(name="DeleteFunctionUrlConfig")
    id_members = ("FunctionName", "Qualifier")
    id_separator = "/"
    handled = HANDLED
    properties: ClassVar[Properties] = {
        "functionName": Property(required=True, force_new=True),
        "authorizationType": Property(required=True, aws="AuthType"),
        "invokeMode": Property(default="BUFFERED"),
        "qualifier": Property(force_new=True),
        "region": REGION,
        "functionArn": Property(output=True),
        "functionUrl": Property(output=True),
        "urlId": Property(output=True),
        **unsupported("cors"),
    }

    def identity(self, request: ResourceRequest[Aws]) -> Document:
        """Name the function, and the alias if the URL is an alias's."""
        return {name: value for name, value in super().identity(request).items() if value}

    def created_id(self, created: Document) -> str:
        """Return the function's name, with the alias if there is one."""
        members = (created.get(member) for member in self.id_members)
        return self.id_separator.join(as_string(each) for each in members if each)

    def create(self, request: CreateRequest[Aws]) -> Created:
        """Create the URL and, as the real provider does, the permissions of a public one.

        A deletion leaves them. Source: the note in the documentation of aws_lambda_function_url.
        """
        created = super().create(request)
        if request.inputs["authorizationType"] == "NONE":
            for statement, parameters in _PUBLIC_URL.items():
                try:
                    self.call(
                        request,
                        Operation(name="AddPermission"),
                        {
                            **self.identity(_resource(request, created.id)),
                            "StatementId": statement,
                            "Principal": "*",
                            **parameters,
                        },
                    )
                except AwsError as error:
                    if error.code != "ResourceConflictException":
                        raise InitializationError(created.id, str(error)) from error
        return created

    def read(self, request: ResourceRequest[Aws]) -> Values | None:
        """Add what follows from the URL."""
        if (found := super().read(request)) is None:
            return None
        address = as_string(found["functionUrl"]).partition("://")[2]
        function, _, alias = request.id.partition(self.id_separator)
        return {
            **found,
            "functionName": function,
            **({"qualifier": alias} if alias else {}),
            "urlId": address.partition(".")[0],
        }


class Permission(AwsResource):
    """aws:lambda/permission:Permission."""

    token = "aws:lambda/permission:Permission"  # noqa: S105  # a Pulumi type
    service = "lambda"
    creates = Operation(name="AddPermission")
    reads = Operation(name="GetPolicy")
    deletes = Operation(name="RemovePermission")
    id_members = ("StatementId",)
    handled = HANDLED
    properties: ClassVar[Properties] = {
        "statementId": Property(required=True, force_new=True),
        "action": Property(required=True, force_new=True),
        "function": Property(required=True, force_new=True, aws="FunctionName"),
        "principal": Property(required=True, force_new=True),
        "functionUrlAuthType": Property(force_new=True),
        "invokedViaFunctionUrl": Property(kind=Kind.BOOLEAN, force_new=True),
        "qualifier": Property(force_new=True),
        "sourceAccount": Property(force_new=True),
        "sourceArn": Property(force_new=True),
        "region": REGION,
        **unsupported(
            "eventSourceToken",
            "principalOrgId",
            "statementIdPrefix",
        ),
    }

    def identity(self, request: ResourceRequest[Aws]) -> Document:
        """Name the function and the statement; an import names both: function/statement."""
        function, _, statement = request.id.rpartition("/")
        identity = {
            "FunctionName": request.state.get("function", function),
            "StatementId": statement,
        }
        if "qualifier" in request.state:
            identity["Qualifier"] = request.state["qualifier"]
        return identity

    def read(self, request: ResourceRequest[Aws]) -> Values | None:
        """Find the statement in the function's policy."""
        identity = self.identity(request)
        parameters = {name: value for name, value in identity.items() if name != "StatementId"}
        try:
            response = self.call(request, self.reads, parameters)
        except AwsError as error:
            if error.code in self.not_found_codes:
                return None
            raise
        for statement in json.loads(response["Policy"])["Statement"]:
            if statement.get("Sid") == identity["StatementId"]:
                return {
                    **_permission(statement),
                    "function": identity["FunctionName"],
                    **({"qualifier": identity["Qualifier"]} if "Qualifier" in identity else {}),
                    "region": request.state.get("region") or request.context.region,
                    "id": identity["StatementId"],
                }
        return None


class Invocation(ResourceType[Aws]):
    """aws:lambda/invocation:Invocation.

    AWS keeps no record of an invocation: a creation invokes the function, a read returns the
    state, and a deletion does nothing.
    """

    token = "aws:lambda/invocation:Invocation"  # noqa: S105  # a Pulumi type
    properties: ClassVar[Properties] = {
        "functionName": Property(required=True, force_new=True),
        # Changes in place only with another lifecycleScope.
        "input": Property(required=True, force_new=True),
        "lifecycleScope": Property(default=_CREATE_ONLY),
        "qualifier": Property(force_new=True, default="$LATEST"),
        "region": REGION,
        "triggers": Property(kind=Kind.MAP, items=Property(), force_new=True),
        "result": Property(output=True),
        **unsupported("tenantId", "terraformKey"),
    }

    def check(self, request: CheckRequest[Aws]) -> tuple[Values, list[Failure]]:
        """Require JSON as input, and refuse to invoke at an update and a deletion."""
        failures = []
        scope, payload = (request.inputs.get(name) for name in ("lifecycleScope", "input"))
        if isinstance(scope, str) and scope != _CREATE_ONLY:
            reason = f"Unsupported: the stand-in doesn't support the lifecycleScope {scope}"
            failures.append(Failure(property="lifecycleScope", reason=reason))
        if isinstance(payload, str) and not _is_json(payload):
            failures.append(Failure(property="input", reason="input is not a JSON document"))
        return request.inputs, failures

    def create(self, request: CreateRequest[Aws]) -> Created:
        """Invoke the function and wait for its result."""
        return self._invoke(request.context, request.inputs)

    def read(self, request: ResourceRequest[Aws]) -> Values | None:
        """Return the state, which nothing outside the deployment changes."""
        if not request.state:
            raise ProviderError("Unsupported: the stand-in doesn't import aws.lambda_.Invocation")
        return request.state

    def update(self, request: UpdateRequest[Aws]) -> Values:
        """Invoke the function again, like the real provider for every change in place."""
        return dict(self._invoke(request.context, request.inputs).outputs)

    def delete(self, request: ResourceRequest[Aws]) -> None:
        """Do nothing."""

    def _invoke(self, aws: Aws, inputs: Values) -> Created:
        name, qualifier = as_string(inputs["functionName"]), as_string(inputs["qualifier"])
        payload = as_string(inputs["input"]).encode()
        region = as_string(inputs.get("region") or aws.region)
        parameters: Document = {
            "FunctionName": name,
            "InvocationType": "RequestResponse",
            "Payload": payload,
            "Qualifier": qualifier,
        }
        response = aws.call("lambda", "Invoke", parameters, region)
        result = response["Payload"].decode()
        if "FunctionError" in response:
            raise ProviderError(f"invoking Lambda Function ({name}): {result}")
        digest = hashlib.md5(payload, usedforsecurity=False).hexdigest()
        return Created(
            id=f"{name},{qualifier},{digest}", outputs={"region": region, "result": result}
        )


def _resource(request: CreateRequest[Aws], resource_id: str) -> ResourceRequest[Aws]:
    """Return a request for what has just been created."""
    return ResourceRequest(
        context=request.context,
        timeout=request.timeout,
        cancelled=request.cancelled,
        id=resource_id,
        state=request.inputs,
    )


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _permission(statement: Document) -> Values:
    """Convert a statement of a function's policy to the inputs that create it."""
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
        ("StringEquals", "lambda:functionurlauthtype", "functionUrlAuthType"),
    ):
        tested = {one.lower(): value for one, value in condition.get(operator, {}).items()}
        if key in tested:
            values[name] = tested[key]
    flag = condition.get("Bool", {}).get("lambda:InvokedViaFunctionUrl")
    if flag is not None:
        values["invokedViaFunctionUrl"] = str(flag).lower() == "true"
    return values


def _code(request: AwsRequest, inputs: Values) -> bytes:
    code = inputs["code"]
    if not isinstance(code, Archive):
        raise ProviderError("code must be an archive, not a single asset")
    return zip_archive(code, request.context.project_directory)


def _subnets(found: Values) -> Value:
    """Return the subnets of a function as AWS describes it, which it does without a VPC too."""
    connection = found.get("vpcConfig")
    return connection.get("subnetIds") if isinstance(connection, dict) else None


def _invoke_arn(arn: str, version: str, suffix: str) -> str:
    partition, region = arn.split(":")[1], arn.split(":")[3]
    return f"arn:{partition}:apigateway:{region}:lambda:path/{version}/functions/{arn}/{suffix}"
