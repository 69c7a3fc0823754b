"""The stand-in's AWS endpoint: ministack with App Runner in front of it, on one port.

What AWS does and this endpoint does not:

* One account (000000000000) and one region; requests signed for another are refused by name.
  Every request's signature is verified, but callers are not authorized: a valid key may do
  anything. Only the roles that App Runner assumes are limited to their policies.
* The registry speaks plain HTTP on localhost, because Docker accepts that for localhost alone.
  Tag mutability with exclusions is refused.
  Its images are not scanned, `imageSizeInBytes` counts the manifest, and lifecycle policies are
  stored but never applied.
* A scope that a client lacks answers `invalid_grant`, where AWS may answer `invalid_scope`; the
  trigger has no time limit.
* App Runner runs images of the account's own ECR only: no source code, no ECR Public, no automatic
  deployments, no custom domains, no private ingress, no X-Ray traces, no encryption keys. A VPC
  connector is checked and recorded, and changes no route. Instances get no credentials for their
  instance role, and all of them run, where AWS keeps idle ones stopped. A deleted service stays
  describable. Secrets in the environment come from Secrets Manager only, not from SSM parameters;
  auto scaling configurations are deleted one revision at a time, and none becomes the account's
  default. An instance gets no more CPU than the machine has.
"""
