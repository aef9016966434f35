"""Which release of Assay this is."""

from importlib.metadata import PackageNotFoundError, version


def release() -> str:
    """Return the version of the installed package; 0 for a checkout that was never installed."""
    try:
        return version("assay-platform")
    except PackageNotFoundError:
        return "0"
