"""Trains both shipped models again, side by side: `make train`."""

import argparse
import os
import subprocess
import sys

MINUTES = {"core.shipped.chat.train": 60, "core.shipped.speech.train": 58}


def main() -> None:
    """Each training gets half of the cores; the exit code tells whether both ended well."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="of the usual time, for a quick try")
    share = parser.parse_args().share
    threads = max(1, (os.cpu_count() or 2) // len(MINUTES))
    running = [
        subprocess.Popen([sys.executable, "-m", module, "--minutes", str(minutes * share), "--threads", str(threads)])
        for module, minutes in MINUTES.items()
    ]
    sys.exit(max(process.wait() for process in running))


if __name__ == "__main__":
    main()
