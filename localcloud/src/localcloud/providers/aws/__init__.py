"""The aws provider: the resource types that the program uses, on the stand-in's AWS endpoint.

- `provider` lists the resource types and the functions (`invokes`).
- `resource` is the base class: a resource type declares its properties and the names of its
  operations, and overrides only what the service does differently.
- `apprunner`, `autoscaling`, `cloudfront`, `cognito`, `ec2`, `ecr`, `ecs`, `elbv2`, `events`,
  `iam`, `lambda_`, `logs`, `route53`, `secretsmanager` and `wafv2` hold the resource types of one
  service each.
- `clients` reads the provider's configuration and calls AWS through botocore.
- `shapes` converts values to parameters and back; `rules` checks them against botocore's models.
- `waiting` polls until an operation has finished, and repeats one until AWS accepts it.
"""
