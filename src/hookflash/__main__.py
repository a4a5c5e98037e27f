"""`python -m hookflash`."""

from hookflash.app.cli import main

main()
