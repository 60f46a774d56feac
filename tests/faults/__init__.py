# SPDX-License-Identifier: EUPL-1.2
"""The fault matrix: one folder a row (tests/support/faults/row.py, docs/faults.md)."""
