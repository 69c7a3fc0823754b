"""The log function, which configures the log groups that App Runner creates."""
