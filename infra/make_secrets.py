"""Makes the secrets of `compose.yaml`, once: `python3 infra/make_secrets.py`. Needs nothing but Python.

Each is a file in `infra/secrets/`, a folder for its owner alone; the files themselves can be read by the users of the
containers, into which they are mounted one by one. What is there is kept.
"""

import json
import secrets
import sys
from pathlib import Path

HERE = Path(__file__).parent
EVERYBODY_READS = 0o444  # the folder above keeps everybody on this machine out


def main(folder: Path) -> None:
    """Write what is missing."""
    folder.mkdir(mode=0o700, exist_ok=True)
    password = keep(folder / "postgres_password", secrets.token_urlsafe(24))
    keep(folder / "assay_database_url", f"postgresql+psycopg://assay:{password}@postgres:5432/assay")
    keep(folder / "assay_metrics_token", secrets.token_urlsafe(24))
    identities = [identity(folder, name) for name in ("admin", "site", "worker")]
    keep(folder / "s3.json", json.dumps({"identities": identities, "policies": policies()}))


def identity(folder: Path, name: str) -> dict[str, object]:
    """Return one user of the storage: `admin` makes the bucket, site and worker have the rights of infra/s3."""
    access = keep(folder / f"{name}_s3_access_key", "AK" + secrets.token_hex(9).upper())
    secret = keep(folder / f"{name}_s3_secret_key", secrets.token_urlsafe(30))
    actions = ["Admin", "Read", "Write", "List", "Tagging"] if name == "admin" else []
    rights = {} if name == "admin" else {"policyNames": [name]}
    return {
        "name": name,
        "credentials": [{"accessKey": access, "secretKey": secret}],
        "actions": actions,
        **rights,
    }


def policies() -> list[dict[str, str]]:
    """Return the rights of site and worker as the storage reads them."""
    return [{"name": name, "content": (HERE / "s3" / f"policy-{name}.json").read_text()} for name in ("site", "worker")]


def keep(path: Path, fresh: str) -> str:
    """Return what a file holds; it is written first where there is none."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(fresh)
        path.chmod(EVERYBODY_READS)
    return path.read_text()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "secrets")
