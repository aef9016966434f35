"""All settings, read from the environment once (prefix `ASSAY_`). Nothing else reads the environment."""

import difflib
import os
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.errors import Invalid

PREFIX = "ASSAY_"
SECRETS_DIR = f"{PREFIX}SECRETS_DIR"  # files named like settings: the environment goes before them
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1", "[::1]"})
DEFAULT_PORT = 8000


def last_port(data_dir: Path) -> Path:
    """Return the file in which `assay up` keeps the port of its last start."""
    return data_dir / "port"


def _local_address(known: dict[str, Any]) -> str:
    """Return the address of `assay up` here, so that other commands make links, and sign, for the port it took."""
    memory = last_port(known["data_dir"])
    return f"http://127.0.0.1:{memory.read_text() if memory.exists() else DEFAULT_PORT}"


def _usual_region() -> str:
    """Return the region of AWS's own variables, as its other tools do."""
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"


def _listed(value: str) -> list[str]:
    return [each.strip() for each in value.split(",") if each.strip()]


class Settings(BaseSettings):
    """One frozen value that is handed to whoever needs it. The names are the contract (API section 2)."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    data_dir: Path = Path("var")
    secrets_dir: Path | None = None
    database_url: str = ""
    database_pool_size: int = Field(default=20, ge=1, le=1000)
    database_statement_seconds: int = Field(default=30, ge=0)
    s3_endpoint_url: str = ""
    s3_public_url: str = ""
    s3_bucket: str = "assay"
    s3_region: str = Field(default_factory=_usual_region)
    s3_addressing: Literal["auto", "path", "virtual"] = "auto"
    s3_encryption: Literal["", "AES256", "aws:kms"] = ""
    s3_encryption_key: str = ""
    s3_access_key: str = ""
    s3_secret_key: str = ""
    base_url: str = Field(default_factory=_local_address)
    whisper_model: str = "base"
    model_dir: Path | None = None
    speech_device: Literal["auto", "cpu", "cuda"] = "auto"
    speech_threads: int = Field(default=0, ge=0, le=64)
    transcriber: Literal["openai-whisper", "faster-whisper"] = "openai-whisper"
    ffmpeg: str = ""
    ffprobe: str = ""
    sandbox: Literal["auto", "landlock", "bwrap", "off"] = "auto"
    clamd_socket: str = Field(default="", pattern=r"^/.+$|^(\[[0-9a-fA-F:]+\]|[\w.-]+):\d{1,5}$|^$")
    max_upload_bytes: int = Field(default=2 * 1024**3, gt=0)
    max_duration_seconds: int = Field(default=2 * 3600, gt=0)
    signing_key_dir: Path | None = None
    log_format: Literal["text", "json"] = "text"
    log_addresses: Literal["full", "network", "none"] = "network"
    metrics_token: str = ""
    worker_listen: str = Field(default="", pattern=r"^((\[[0-9a-fA-F:]+\]|[\w.-]+):)?\d{1,5}$|^$")
    trusted_proxies: str = "127.0.0.1,::1"
    claim_seconds: int = Field(default=900, gt=0)
    media_address_seconds: int = Field(default=7200, ge=1, le=7200)
    demo: bool = False

    @field_validator("s3_endpoint_url", "s3_public_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment):
            raise ValueError("give an address such as https://s3.example.org")
        return value.rstrip("/")

    @field_validator("s3_secret_key")
    @classmethod
    def _has_both_keys(cls, value: str, known: ValidationInfo) -> str:
        if bool(value) != bool(known.data.get("s3_access_key")):
            raise ValueError("ASSAY_S3_ACCESS_KEY and ASSAY_S3_SECRET_KEY are set together, or neither")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        """Refuse a name or `*`: whoever is trusted here can say that a request came from anybody."""
        for each in _listed(value):
            ip_network(each)
        return value

    @property
    def proxies(self) -> list[str]:
        """The addresses and networks whose word on the caller's address counts (`X-Forwarded-For`)."""
        return _listed(self.trusted_proxies)

    @property
    def database(self) -> str:
        """The SQLAlchemy address of the database; SQLite in the data folder unless one is set."""
        return self.database_url or f"sqlite:///{self.data_dir.absolute() / 'assay.sqlite3'}"

    @property
    def keys(self) -> Path:
        """Where private keys lie, one file each, readable by the owner only."""
        return self.signing_key_dir or self.data_dir.absolute() / "keys"

    @property
    def outbox(self) -> Path:
        """Where mail is written as files while no SMTP server is set."""
        return self.data_dir.absolute() / "outbox"

    @property
    def host(self) -> str:
        """The host name (with port where there is one) of the public address."""
        return urlsplit(self.base_url).netloc

    @property
    def secure(self) -> bool:
        """Whether the site is reached by https: cookies are then `Secure` and `__Host-`."""
        return self.base_url.startswith("https://")

    @property
    def secure_throughout(self) -> bool:
        """Whether other devices reach both the site and the storage by https."""
        return self.secure and (self.s3_public_url or self.s3_endpoint_url).startswith("https://")

    @property
    def public(self) -> bool:
        """Whether the site has a public https host, so that issuers are `did:web` (else `did:key`)."""
        return self.secure and urlsplit(self.base_url).hostname not in LOOPBACK


def load_settings(**given: object) -> Settings:
    """Read the settings. Invalid for an unknown `ASSAY_` name (it names the nearest known one) and for a bad value."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    for name in os.environ:
        if name.startswith(PREFIX) and name not in known:
            near = difflib.get_close_matches(name, sorted(known), n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise Invalid(f"{name} is not a setting of Assay.{hint}", code="unknown-setting")
    if folder := os.environ.get(SECRETS_DIR):
        if not Path(folder).is_dir():
            raise Invalid(f"{SECRETS_DIR}: there is no folder {folder}.", code="bad-setting")
        given["_secrets_dir"] = folder
    try:
        return Settings(**given)  # type: ignore[arg-type]  # keywords of a settings class are its fields
    except ValidationError as error:
        wrong = (f"{PREFIX}{'_'.join(map(str, each['loc'])).upper()}: {each['msg']}." for each in error.errors())
        raise Invalid(" ".join(wrong), code="bad-setting") from error
