"""Parley's engine: everything that does not depend on where people talk.

Nothing in here imports a chat platform, a web framework or `bots`; a platform is known only as `core.platform`.
"""

import os

# huggingface_hub reads it once: what is asked of the hub goes without a word about this machine.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
