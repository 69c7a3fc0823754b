"""The aws provider: a declaration per resource type, kept through boto3's clients."""
