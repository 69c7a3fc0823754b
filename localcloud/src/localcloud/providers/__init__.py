"""Pulumi's aws, docker and random providers for the stand-in cloud.

`python -m localcloud.providers` (`__main__`) serves one `servicer.Servicer` per provider over gRPC,
behind `same_user`, which rejects the calls of other users of the machine.

- `servicer` implements the provider protocol for any set of resource types.
- `schema` declares what a resource type is: its properties and its operations.
- `values` converts property values from and to the protocol.
- `checking` validates inputs and `diffing` compares them with a state, both by the declaration.
- `archives` packs assets and archives as zip files.
- `aws`, `docker_image` and `random_string` are the providers.
"""
