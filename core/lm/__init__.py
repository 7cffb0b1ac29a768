"""Language models: what one is (base), one on this machine (local), one behind an OpenAI-compatible server (remote)."""
