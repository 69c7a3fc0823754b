"""What is deployed: one component a file, named after what it gives."""
