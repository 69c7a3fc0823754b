"""What runs in Lambda: one folder per function, pure functions first, the handler last."""
