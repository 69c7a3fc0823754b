"""What is deployed: one component per file, named after what it provides."""
