"""Language models: what one is (base), one on this machine (local), one behind an OpenAI-compatible server (remote)."""

import os

# Threads that wait for each other in a loop are of use only while nothing else wants their cores: on two cores that
# something else kept busy they took up to eight times as long. torch's libgomp reads it once, when torch is imported.
os.environ.setdefault("GOMP_SPINCOUNT", "3000")
