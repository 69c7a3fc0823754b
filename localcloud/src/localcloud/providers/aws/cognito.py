"""Cognito user pools: pools, domains, resource servers and app clients.

Sources: the Amazon Cognito user pools API reference, and the schemas of aws_cognito_user_pool,
_user_pool_domain, _resource_server and _user_pool_client for the changes that force a replacement.
"""

import re
from dataclasses import replace
from typing import ClassVar, Final

from localcloud.providers.aws.clients import Aws, AwsError, Document
from localcloud.providers.aws.resource import (
    ARN,
    HANDLED,
    REGION,
    TAGGED,
    AwsResource,
    Operation,
    Tagging,
)
from localcloud.providers.schema import (
    CheckRequest,
    Failure,
    Kind,
    Properties,
    Property,
    ResourceRequest,
    UpdateRequest,
    unsupported,
)
from localcloud.providers.values import Values, as_object, as_string, is_empty

_STRINGS: Final = Property()
_BOOLEAN: Final = Property(kind=Kind.BOOLEAN)
_INTEGER: Final = Property(kind=Kind.INTEGER)
# Sources: cognito-idp DomainType; for both lengths the schema of aws_cognito_user_pool_domain.
_DOMAIN_PREFIX: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_CUSTOM_DOMAIN: Final = re.compile(r"(?=.{1,63}$)(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}")
# CloudFront's hosted zone in Route 53, the same for every distribution.
_CLOUDFRONT_ZONE: Final = "Z2FDTNDATAQYW2"


def _names(
    *,
    force_new: bool = False,
    computed: bool = False,
    empty_is_set: bool = False,
    aws: str | None = None,
) -> Property:
    return Property(
        kind=Kind.SET,
        items=_STRINGS,
        force_new=force_new,
        computed=computed,
        empty_is_set=empty_is_set,
        aws=aws,
    )


_TRIGGERS: Final = {
    "createAuthChallenge": Property(),
    "customMessage": Property(),
    "defineAuthChallenge": Property(),
    "postAuthentication": Property(),
    "postConfirmation": Property(),
    "preAuthentication": Property(),
    "preSignUp": Property(),
    "preTokenGeneration": Property(computed=True),
    "preTokenGenerationConfig": Property(
        kind=Kind.OBJECT,
        computed=True,
        properties={
            "lambdaArn": Property(required=True),
            "lambdaVersion": Property(required=True),
        },
    ),
    "userMigration": Property(),
    "verifyAuthChallengeResponse": Property(),
    **unsupported("customEmailSender", "customSmsSender", "kmsKeyId"),
}
_PASSWORDS: Final = {
    "minimumLength": _INTEGER,
    "passwordHistorySize": _INTEGER,
    "requireLowercase": _BOOLEAN,
    "requireNumbers": _BOOLEAN,
    "requireSymbols": _BOOLEAN,
    "requireUppercase": _BOOLEAN,
    "temporaryPasswordValidityDays": Property(kind=Kind.INTEGER, computed=True),
}
_RECOVERY: Final = {
    "recoveryMechanisms": Property(
        kind=Kind.SET,
        computed=True,
        items=Property(
            kind=Kind.OBJECT,
            properties={
                "name": Property(required=True),
                "priority": Property(kind=Kind.INTEGER, required=True),
            },
        ),
    )
}
_ADD_ONS: Final = {
    "advancedSecurityMode": Property(required=True),
    "advancedSecurityAdditionalFlows": Property(
        kind=Kind.OBJECT, properties={"customAuthMode": Property()}
    ),
}


class UserPool(AwsResource):
    """aws:cognito/userPool:UserPool."""

    token = "aws:cognito/userPool:UserPool"  # noqa: S105  # a Pulumi type
    service = "cognito-idp"
    autonamed = "name"
    creates = Operation(name="CreateUserPool", result="UserPool")
    reads = Operation(name="DescribeUserPool", result="UserPool")
    updates = Operation(name="UpdateUserPool")
    deletes = Operation(name="DeleteUserPool")
    id_members = ("Id",)
    tagging = Tagging(
        resource="ResourceArn",
        pairs=None,
        created_as="UserPoolTags",
        list=None,
        listed_as="UserPoolTags",
    )
    handled = HANDLED
    properties: ClassVar[Properties] = {
        "name": Property(required=True, force_new=True, aws="PoolName", aws_read="Name"),
        "accountRecoverySetting": Property(kind=Kind.OBJECT, properties=_RECOVERY, computed=True),
        "adminCreateUserConfig": Property(
            kind=Kind.OBJECT,
            computed=True,
            properties={
                "allowAdminCreateUserOnly": _BOOLEAN,
                **unsupported("inviteMessageTemplate"),
            },
        ),
        "aliasAttributes": _names(force_new=True),
        "autoVerifiedAttributes": _names(),
        "deletionProtection": Property(default="INACTIVE"),
        "lambdaConfig": Property(kind=Kind.OBJECT, properties=_TRIGGERS),
        "mfaConfiguration": Property(default="OFF"),
        "passwordPolicy": Property(
            kind=Kind.OBJECT, properties=_PASSWORDS, computed=True, aws="Policies.PasswordPolicy"
        ),
        "signInPolicy": Property(
            kind=Kind.OBJECT,
            properties={"allowedFirstAuthFactors": _names()},
            computed=True,
            aws="Policies.SignInPolicy",
        ),
        "userPoolAddOns": Property(kind=Kind.OBJECT, properties=_ADD_ONS),
        "userPoolTier": Property(computed=True),
        "usernameAttributes": _names(force_new=True),
        "usernameConfiguration": Property(
            kind=Kind.OBJECT,
            force_new=True,
            computed=True,
            properties={"caseSensitive": _BOOLEAN},
        ),
        "region": REGION,
        **TAGGED,
        "arn": ARN,
        "creationDate": Property(output=True),
        "customDomain": Property(output=True),
        "domain": Property(output=True),
        "endpoint": Property(output=True),
        "estimatedNumberOfUsers": Property(kind=Kind.INTEGER, output=True),
        "lastModifiedDate": Property(output=True, volatile=True),
        **unsupported(
            "deviceConfiguration",
            "emailConfiguration",
            "emailMfaConfiguration",
            "emailVerificationMessage",
            "emailVerificationSubject",
            "schemas",
            "smsAuthenticationMessage",
            "smsConfiguration",
            "smsVerificationMessage",
            "softwareTokenMfaConfiguration",
            "userAttributeUpdateSettings",
            "verificationMessageTemplate",
            "webAuthnConfiguration",
        ),
    }

    def identity(self, request: ResourceRequest[Aws]) -> Document:
        """Name the pool by its id."""
        return {"UserPoolId": request.id}

    def update(self, request: UpdateRequest[Aws]) -> None:
        """Send what the program removed as empty, instead of relying on Cognito's reset."""
        inputs: Values = {"autoVerifiedAttributes": [], "lambdaConfig": {}, **request.inputs}
        super().update(replace(request, inputs=inputs))

    def read(self, request: ResourceRequest[Aws]) -> Values | None:
        """Add the pool's endpoint, which is the issuer without its scheme."""
        if (found := super().read(request)) is None:
            return None
        return {**found, "endpoint": f"cognito-idp.{found['region']}.amazonaws.com/{request.id}"}


class UserPoolDomain(AwsResource):
    """aws:cognito/userPoolDomain:UserPoolDomain."""

    token = "aws:cognito/userPoolDomain:UserPoolDomain"  # noqa: S105  # a Pulumi type
    service = "cognito-idp"
    creates = Operation(name="CreateUserPoolDomain")
    reads = Operation(name="DescribeUserPoolDomain", result="DomainDescription")
    updates = Operation(name="UpdateUserPoolDomain")
    deletes = Operation(name="DeleteUserPoolDomain")
    id_members = ("Domain",)
    handled = HANDLED
    properties: ClassVar[Properties] = {
        # The pattern is for prefixes; Cognito accepts dots in a domain with a certificate.
        "domain": Property(required=True, force_new=True, unchecked=True),
        "userPoolId": Property(required=True, force_new=True),
        "certificateArn": Property(aws="CustomDomainConfig.CertificateArn"),
        "managedLoginVersion": Property(kind=Kind.INTEGER, computed=True),
        "region": REGION,
        "awsAccountId": Property(output=True, aws="AWSAccountId"),
        "cloudfrontDistribution": Property(output=True, aws="CloudFrontDistribution"),
        "cloudfrontDistributionArn": Property(output=True, aws="CloudFrontDistribution"),
        "cloudfrontDistributionZoneId": Property(output=True),
        "s3Bucket": Property(output=True),
        "version": Property(output=True, volatile=True),
    }

    def check(self, request: CheckRequest[Aws]) -> tuple[Values, list[Failure]]:
        """Check what botocore's pattern leaves out: prefixes have no dots, and both are short."""
        completed, failures = super().check(request)
        domain = request.inputs.get("domain")
        custom = not is_empty(request.inputs.get("certificateArn"))
        pattern = _CUSTOM_DOMAIN if custom else _DOMAIN_PREFIX
        if isinstance(domain, str) and not pattern.fullmatch(domain):
            reason = f"domain must match {pattern.pattern}"
            failures.append(Failure(property="domain", reason=reason))
        return completed, failures

    def identity(self, request: ResourceRequest[Aws]) -> Document:
        """Name the domain, and the pool if it is known."""
        pool = request.state.get("userPoolId")
        return super().identity(request) | (
            {"UserPoolId": pool} if "userPoolId" in request.state else {}
        )

    def described(self, response: Document) -> Values:
        """Treat an empty description as what it means: there is no such domain."""
        if not response.get("UserPoolId"):
            raise AwsError(self.reads.name, "ResourceNotFoundException", "no such domain")
        return {
            **super().described(response),
            "cloudfrontDistributionZoneId": _CLOUDFRONT_ZONE,
        }


class ResourceServer(AwsResource):
    """aws:cognito/resourceServer:ResourceServer."""

    token = "aws:cognito/resourceServer:ResourceServer"  # noqa: S105  # a Pulumi type
    service = "cognito-idp"
    autonamed = "name"
    creates = Operation(name="CreateResourceServer", result="ResourceServer")
    reads = Operation(name="DescribeResourceServer", result="ResourceServer")
    updates = Operation(name="UpdateResourceServer")
    deletes = Operation(name="DeleteResourceServer")
    id_members = ("UserPoolId", "Identifier")
    handled = HANDLED
    properties: ClassVar[Properties] = {
        "identifier": Property(required=True, force_new=True),
        "name": Property(required=True, force_new=True),
        "scopes": Property(
            kind=Kind.SET,
            items=Property(
                kind=Kind.OBJECT,
                properties={
                    "scopeName": Property(required=True),
                    "scopeDescription": Property(required=True),
                },
            ),
        ),
        "userPoolId": Property(required=True, force_new=True),
        "region": REGION,
        "scopeIdentifiers": Property(kind=Kind.LIST, items=Property(), output=True, volatile=True),
    }

    def described(self, response: Document) -> Values:
        """Add the scopes' full names, as in tokens."""
        values = super().described(response)
        scopes = values.get("scopes")
        values["scopeIdentifiers"] = [
            f"{values['identifier']}/{as_string(as_object(scope)['scopeName'])}"
            for scope in (scopes if isinstance(scopes, list) else [])
        ]
        return values


class UserPoolClient(AwsResource):
    """aws:cognito/userPoolClient:UserPoolClient."""

    token = "aws:cognito/userPoolClient:UserPoolClient"  # noqa: S105  # a Pulumi type
    service = "cognito-idp"
    creates = Operation(name="CreateUserPoolClient", result="UserPoolClient")
    reads = Operation(name="DescribeUserPoolClient", result="UserPoolClient")
    updates = Operation(name="UpdateUserPoolClient")
    deletes = Operation(name="DeleteUserPoolClient")
    id_members = ("ClientId",)
    handled = HANDLED
    properties: ClassVar[Properties] = {
        "name": Property(required=True, aws="ClientName"),
        "userPoolId": Property(required=True, force_new=True),
        "accessTokenValidity": Property(kind=Kind.INTEGER, computed=True),
        "allowedOauthFlows": _names(computed=True, empty_is_set=True, aws="AllowedOAuthFlows"),
        "allowedOauthFlowsUserPoolClient": Property(
            kind=Kind.BOOLEAN, computed=True, aws="AllowedOAuthFlowsUserPoolClient"
        ),
        "allowedOauthScopes": _names(computed=True, empty_is_set=True, aws="AllowedOAuthScopes"),
        "authSessionValidity": Property(kind=Kind.INTEGER, computed=True),
        "callbackUrls": _names(computed=True, empty_is_set=True, aws="CallbackURLs"),
        "defaultRedirectUri": Property(computed=True, aws="DefaultRedirectURI"),
        "enablePropagateAdditionalUserContextData": Property(kind=Kind.BOOLEAN, computed=True),
        "enableTokenRevocation": Property(kind=Kind.BOOLEAN, computed=True),
        "explicitAuthFlows": _names(computed=True, empty_is_set=True),
        "generateSecret": Property(kind=Kind.BOOLEAN, force_new=True, write_only=True),
        "idTokenValidity": Property(kind=Kind.INTEGER, computed=True),
        "logoutUrls": _names(computed=True, empty_is_set=True, aws="LogoutURLs"),
        "preventUserExistenceErrors": Property(computed=True),
        "readAttributes": _names(computed=True, empty_is_set=True),
        "refreshTokenValidity": Property(kind=Kind.INTEGER, computed=True),
        "supportedIdentityProviders": _names(computed=True, empty_is_set=True),
        "tokenValidityUnits": Property(
            kind=Kind.OBJECT,
            computed=True,
            properties={
                "accessToken": Property(default="hours"),
                "idToken": Property(default="hours"),
                "refreshToken": Property(default="days"),
            },
        ),
        "writeAttributes": _names(computed=True, empty_is_set=True),
        "region": REGION,
        "clientSecret": Property(output=True, secret=True),
        **unsupported("analyticsConfiguration", "refreshTokenRotation"),
    }

    def identity(self, request: ResourceRequest[Aws]) -> Document:
        """Name the pool and the client; an import names both: pool/client."""
        pool, _, client = request.id.rpartition("/")
        return {"UserPoolId": pool or request.state.get("userPoolId"), "ClientId": client}

    def described(self, response: Document) -> Values:
        """Add the id without the pool, as after a creation, for an import.

        Once the original secret is deleted, Cognito returns none, and the state has an empty one.
        Source: user_pool_client.go in hashicorp/terraform-provider-aws (autoflex's "legacy").
        """
        return {
            **super().described(response),
            "clientSecret": response.get("ClientSecret", ""),
            "id": response["ClientId"],
        }
