"""What a run of the checks found: on the terminal, as JSON, as JUnit's XML and as a page."""
