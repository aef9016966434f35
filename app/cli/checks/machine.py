"""This machine: keys, disk, fonts, and the address of the site."""

import os
import shutil
import socket
import ssl
import stat
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

from app.cli.checks.check import Check
from app.settings import LOOPBACK, Settings

LITTLE_BYTES, TOO_LITTLE_BYTES = 10 * 1024**3, 1024**3
FONTS = ("ibm-plex-sans-latin-wght-normal.woff2", "ibm-plex-sans-arabic-arabic-400-normal.woff2")
HTTPS_PORT = 443
ANSWER_SECONDS = 10
SOON = timedelta(days=14)


def check_keys(folder: Path) -> Check:
    """Say whether the private keys are for their owner only."""
    keys = sorted(folder.glob("*.pem")) if folder.exists() else []
    open_ones = [key.name for key in keys if stat.S_IMODE(key.stat().st_mode) & 0o077]
    if open_ones:
        return Check("signing keys", "fail", f"others can read {', '.join(open_ones)}", f"Run: chmod 600 {folder}/*")
    if folder.exists() and not os.access(folder, os.W_OK):
        return Check("signing keys", "fail", f"{folder} can't be written", "Give its owner the right to write.")
    made = f"{len(keys)} in {folder}" if keys else f"none yet; made in {folder} at their first use"
    return Check("signing keys", "ok", made)


def check_disk(data_dir: Path) -> Check:
    """Say how much room the data folder has."""
    folder = next(path for path in (data_dir.absolute(), *data_dir.absolute().parents) if path.exists())
    free = shutil.disk_usage(folder).free
    state = "fail" if free < TOO_LITTLE_BYTES else "warn" if free < LITTLE_BYTES else "ok"
    advice = "" if state == "ok" else "Make room: below 2 % free the embedded storage takes no more recordings."
    return Check("disk", state, f"{free / 1024**3:.1f} GiB free for {data_dir}", advice)


def check_fonts() -> Check:
    """Say whether the fonts of pages and badges came with the package."""
    missing = [name for name in FONTS if not (files("app") / "static" / "fonts" / name).is_file()]
    if missing:
        return Check("fonts", "fail", f"missing: {', '.join(missing)}", "Install the package again.")
    return Check("fonts", "ok", "Latin and Arabic fonts are in place")


def check_address(settings: Settings) -> Check:
    """Say whether the address of the site is safe, and for how long its certificate is good."""
    host = urlsplit(settings.base_url).hostname or ""
    if settings.secure:
        return _certificate(host, urlsplit(settings.base_url).port or HTTPS_PORT)
    if host in LOOPBACK:
        return Check("address", "ok", f"{settings.base_url}, for this machine; issuers are did:key")
    advice = "Put the site behind https: without it passwords travel in the clear and browsers give no camera."
    return Check("address", "warn", f"{settings.base_url} is not encrypted", advice)


def _certificate(host: str, port: int) -> Check:
    try:
        with (
            socket.create_connection((host, port), timeout=ANSWER_SECONDS) as plain,
            ssl.create_default_context().wrap_socket(plain, server_hostname=host) as secured,
        ):
            found = secured.getpeercert() or {}
    except ssl.SSLError as error:
        return Check("address", "fail", f"the certificate of {host} is not good: {error}", "Renew it at the proxy.")
    except OSError as error:
        advice = "Set ASSAY_BASE_URL to the address that people use; start the proxy."
        return Check("address", "warn", f"{host} can't be reached from here: {error}", advice)
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(found["notAfter"])), UTC)
    state = "warn" if ends - datetime.now(UTC) < SOON else "ok"
    return Check("address", state, f"https://{host}, certificate good until {ends:%Y-%m-%d}")
