"""`python -m wholesale`."""

from wholesale.cli import main

if __name__ == "__main__":
    main()
