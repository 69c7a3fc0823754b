"""The stand-in's AWS endpoint: ministack with App Runner in front of it, on one port.

A request passes the modules from top to bottom:

    __main__     `python -m localcloud.aws`; standalone runs it for tests and tools
    gate         refuses what is unsigned or comes from a web page
    signatures   verifies signatures, with the secrets from keys; refusals encodes AWS's errors
    endpoint     routes a request to the application of its service

Each service is a package: `app` handles its requests, `models` holds its state, and `rules`, or a
module for each subject, has the pure decisions. ministack handles the services without a package.

    apprunner        App Runner, which ministack doesn't have
    cloudfront       distributions, their functions, and VPC origins
    cloudtrail       the history of the operations that were called
    cognito          tokens, client secrets, and updates of user pools and app clients
    ecr              the registry
    events           EventBridge: rules with a schedule
    iam              the evaluation of policies
    logs             metric filters
    secretsmanager   secrets and their rotation
    wafv2            web ACLs of distributions

Modules that the services share:

    account      App Runner's calls of the other services, through boto3
    functions    Lambda functions, as other services invoke them
    control      operations of the stand-in itself, for tests
    json_api     a service with AWS's JSON protocol over HTTP
    protocol     AWS's JSON protocol, validated against botocore's models
    rest_xml     AWS's REST-XML protocol, the same
    context      the region, the account and the clock of a service
    periodic     what services do by themselves
    metric_sender  data points on their way to CloudWatch
    asgi         what starlette doesn't have

The endpoint differs from AWS:

* There is one account (000000000000) and one region; requests signed for another are refused by
  name. Every request's signature is verified, but callers are not authorized: a valid key may do
  anything. Only the roles that App Runner assumes are limited to their policies.
* The registry uses plain HTTP on localhost, because Docker accepts that for localhost only. Tag
  mutability with exclusions is refused. Images are not scanned, `imageSizeInBytes` counts only the
  manifest, and lifecycle policies are stored but never applied.
* A scope that a client lacks results in `invalid_grant`, where AWS may return `invalid_scope`; the
  trigger has no time limit.
* Secrets Manager and EventBridge have no `cron()` schedules, and EventBridge invokes Lambda
  functions only. A failed rotation is attempted again after seconds.
* App Runner runs images of the account's own ECR only: no source code, ECR Public, automatic
  deployments, custom domains, private ingress, X-Ray traces or encryption keys. A VPC connector is
  checked and stored, but changes no route. Instances get no credentials for their instance role,
  and all of them run, where AWS keeps idle ones stopped. A deleted service can still be described.
  Secrets in the environment come only from Secrets Manager, not from SSM parameters. Auto scaling
  configurations are deleted one revision at a time, and the account's default can't be changed. An
  instance gets no more CPU than the machine has.
* CloudFront has distributions with one cache behavior, without caching, over HTTP/1.1, and
  functions for viewer-request. WAF has rate-based rules for IP addresses.
"""
