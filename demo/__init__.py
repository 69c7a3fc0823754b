"""The whole way once, on the stand-in cloud: deploy, connect the database, call, show."""
