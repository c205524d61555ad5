"""The program of a handler's process."""

from .serve import main

main()
