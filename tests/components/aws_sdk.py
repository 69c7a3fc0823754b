"""Loads what of pulumi_aws warns when it is loaded, before warnings become errors.

The SDK's own lambda_ package tells about a deprecated resource of its own whenever it is loaded.
"""

import warnings

import pulumi_aws

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    # The SDK loads a package when something of it is first asked for.
    FUNCTION = pulumi_aws.lambda_.Function
