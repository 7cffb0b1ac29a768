"""The values that cross lines: in from a platform, through Redis, out to a platform. Pure: no I/O, no clock.

Those that Redis keeps carry a `version`; `encode` and `decode` are their only JSON.
Platforms make events (Parley itself a `Summary`), the engine makes `Draft` and `Reply`, delivery makes a `Part` of
each kind.
"""
