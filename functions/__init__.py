"""What runs in Lambda: one folder a function, pure decisions first, the handler last."""
