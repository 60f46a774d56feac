# SPDX-License-Identifier: EUPL-1.2
"""Configuration files: YAML ⇄ rows. Needs no database."""

from routing.config.calendars import closed_dates, holiday_dates
from routing.config.document import ConfigError, ConfigProblem
from routing.config.merge import merge, whole
from routing.config.yaml_export import export_yaml
from routing.config.yaml_import import read_file, read_yaml

__all__ = [
    "ConfigError",
    "ConfigProblem",
    "closed_dates",
    "export_yaml",
    "holiday_dates",
    "merge",
    "read_file",
    "read_yaml",
    "whole",
]
