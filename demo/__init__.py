"""The demo on the stand-in cloud: deploy, connect the database, call the server."""
