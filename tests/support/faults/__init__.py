# SPDX-License-Identifier: EUPL-1.2
"""What the rows of the fault matrix (``tests/faults/``) stand on: what a row states, calls that see it, a verdict."""
