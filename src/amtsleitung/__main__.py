# SPDX-License-Identifier: EUPL-1.2
"""``python -m amtsleitung`` is the command line."""

from amtsleitung.cli import main

if __name__ == "__main__":
    main()
