"""Parley's engine: everything that does not depend on where people talk.

Nothing in here imports a chat platform, a web framework or `bots`; a platform is known only as `core.platform`.
"""
