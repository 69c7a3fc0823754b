"""IAM: what a role's policies allow."""
