"""What the tests of the program, of the client and of the stand-in cloud share."""

pytest_plugins = ["tests.stand_in"]
