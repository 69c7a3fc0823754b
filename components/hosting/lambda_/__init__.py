"""AWS Lambda with a function URL."""
