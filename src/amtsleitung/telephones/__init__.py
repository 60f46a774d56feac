# SPDX-License-Identifier: EUPL-1.2
"""SIPp as the carrier's caller and as an agent's telephone: real SIP, for the demonstration and for ``call``."""

from amtsleitung.telephones.folders import remove_left_over, sipp_directory
from amtsleitung.telephones.phones import Placed, place, registered, telephone
from amtsleitung.telephones.sipp import SippRun, start_sipp

__all__ = [
    "Placed",
    "SippRun",
    "place",
    "registered",
    "remove_left_over",
    "sipp_directory",
    "start_sipp",
    "telephone",
]
