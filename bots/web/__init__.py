"""The web page and the HTTP API that it uses: one FastAPI app in Parley's own loop."""
