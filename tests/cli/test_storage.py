"""`assay storage check` and `cors` as programs."""

import json
from pathlib import Path

from tests.cli.running import Shell
from tests.conftest import ORIGIN
from tests.outside import Outside


def test_an_operator_sees_whether_uploads_work_and_what_a_bucket_needs(
    outside_storage: Outside, tmp_path: Path
) -> None:
    given = {f"ASSAY_{name.upper()}": value for name, value in outside_storage.settings("site").items()}
    checked = Shell(tmp_path).assay("storage", "check", "--json", ASSAY_BASE_URL=ORIGIN, **given)
    assert (checked.returncode, json.loads(checked.stdout)["state"]) == (0, "ok"), checked.stdout + checked.stderr
    printed = Shell(tmp_path).assay("storage", "cors", ASSAY_BASE_URL="https://assay.example.org")
    (rule,) = json.loads(printed.stdout)["CORSRules"]
    assert (rule["AllowedOrigins"], rule["AllowedMethods"]) == (["https://assay.example.org"], ["GET", "HEAD", "PUT"])
