"""`python -m automation`: deploy a stack, check it, report on it, destroy it."""

from automation.commands import main

if __name__ == "__main__":
    main()
