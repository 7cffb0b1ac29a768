"""Measurements that print a table; none of them is a test."""

import core.lm  # noqa: F401 - says how torch's threads wait, which has to come before torch
