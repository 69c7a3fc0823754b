"""What goes into the image: Neo4j's server binary, pinned, a CA bundle and the time zones."""
