"""Imports the parts of pulumi_aws that warn on import, before pytest makes warnings errors.

The SDK's lambda_ package warns about one of its deprecated resources whenever it is imported.
"""

import warnings

import pulumi_aws

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    # The SDK imports a package on first use.
    FUNCTION = pulumi_aws.lambda_.Function
