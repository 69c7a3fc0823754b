"""AWS Fargate: tasks of an ECS service behind an Application Load Balancer."""
