"""Imports the parts of pulumi_aws that warn on import, before pytest makes warnings errors.

The SDK's packages ec2 and lambda_ each warn about a deprecated resource when they are imported.
"""

import warnings

import pulumi_aws

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    # The SDK imports a package on first use.
    FUNCTION = pulumi_aws.lambda_.Function
    SECURITY_GROUP = pulumi_aws.ec2.SecurityGroup
