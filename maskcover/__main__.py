"""`python -m maskcover` is the `maskcover` command."""

from maskcover.cli import main

main()
