"""The stand-in's Pulumi providers: aws, docker and random, for the unmodified engine."""
