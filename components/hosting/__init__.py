"""The running service: one package per host, behind the interface in `components.hosting.host`.

A host's package has the same modules everywhere:

    settings    its configuration keys with their ranges and defaults, and which can't be combined
    definition  what else differs from other hosts: limits, regions, names
    component   the ComponentResource that runs the server

`definitions` and everything it imports is pure; only `deployments`, `host` and the components
import Pulumi.
"""
