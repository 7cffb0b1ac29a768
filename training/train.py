"""Trains both shipped models again, side by side: `make train`."""

import argparse
import os
import subprocess
import sys

LENGTHS = {"training.chat.train": ("--minutes", 75), "training.speech.train": ("--steps", 7000)}


def main() -> None:
    """Each training gets half of the cores; the exit code tells whether both ended well."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="of the usual length, for a quick try")
    share = parser.parse_args().share
    threads = str(max(1, (os.cpu_count() or 2) // len(LENGTHS)))
    running = [
        subprocess.Popen([sys.executable, "-m", module, "--threads", threads, length, str(round(usual * share) or 1)])
        for module, (length, usual) in LENGTHS.items()
    ]
    sys.exit(max(process.wait() for process in running))


if __name__ == "__main__":
    main()
