"""The name under which a process holds lanes and listens, and whether the process behind a name is no more."""

import os
import socket
import uuid
from pathlib import Path


def new_name() -> str:
    """A name for this process: its machine, its process id, and what tells it from an earlier one with both."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:6]}"


def died_here(worker_id: str, me: str) -> bool:
    """Whether `worker_id` was a process of this machine that is no more.

    In a container each start may have the process id of the one before, so another name under mine is a dead one.
    """
    host, pid, _ = (worker_id.split(":") + ["", ""])[:3]
    if host != socket.gethostname():
        return False
    return (pid == str(os.getpid()) and worker_id != me) or not Path(f"/proc/{pid}").exists()
