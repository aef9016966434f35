"""`assay model add NAME`: find, download or convert a model for the transcriber in use, ahead of time."""

import argparse
import logging
import sys

from app.settings import load_settings
from workers.speech.engines import NotInstalled, find_model
from workers.speech.weights import NoWeights


def main() -> int:
    """Provide a model and say in one line which, from where, and where it lies. Exit status 1: it can't be had."""
    parser = argparse.ArgumentParser(description="Provide a speech model for the transcriber of ASSAY_TRANSCRIBER.")
    parser.add_argument("model")
    asked = parser.parse_args()
    settings = load_settings()
    logging.basicConfig(format="%(message)s")
    try:
        found = find_model(settings.transcriber, asked.model, folder=settings.model_dir, download=True)
    except (NoWeights, NotInstalled) as error:
        print(error, file=sys.stderr)  # noqa: T201  # for the person who asked
        return 1
    print(f"{settings.transcriber}: {found.name}, {found.source}, {found.path} (sha256 {found.sha256})")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
