"""`python -m zorbench`."""

from zorbench.cli import main

if __name__ == "__main__":
    main()
