"""Measurements that print a table; none of them is a test."""

from importlib import import_module

import_module("core.lm")  # says how torch's threads wait, which has to come before torch
