"""The content of the image: Neo4j's pinned server binary, a CA bundle and the time zones."""
