"""ECR: the account's image registry, as its API and as the protocol that Docker speaks."""
