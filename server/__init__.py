"""What goes into the image: Neo4j's own server binary, pinned, and a CA bundle. Nothing else."""
