"""`python -m expo`: the same as the `expo` command."""

from __future__ import annotations

from expo.cli import main

if __name__ == "__main__":
    main()
