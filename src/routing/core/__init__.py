# SPDX-License-Identifier: EUPL-1.2
"""Deciding: pure functions and values. No I/O, no clock, no exceptions out of ``decide``."""
