"""`assay org`, `person`, `token`, `login-link`, `audit verify` as programs."""

import json
import sqlite3
from pathlib import Path

import pytest

from app.actor import Role
from app.db.engine import make_engine, writing
from app.settings import last_port
from tests.cli.running import Shell
from tests.factories import a_person, a_submission, an_organisation


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    shell = Shell(tmp_path)
    assert shell.assay("init").returncode == 0
    return shell


def test_an_organisation_a_person_a_token_and_a_link(shell: Shell) -> None:
    made = json.loads(shell.assay("org", "add", "--code", "bank", "--name", "Bank", "--json").stdout)
    assert made["code"] == "bank"
    roles = ("--role", "candidate", "--role", "auditor")
    shell.assay("person", "add", "--email", "a@example.org", "--name", "Amira", "--org", "bank", *roles)
    listed = json.loads(shell.assay("person", "list", "--json").stdout)
    assert [(p["email"], p["roles"]) for p in listed["items"]] == [("a@example.org", ["auditor", "candidate"])]
    token = json.loads(shell.assay("token", "add", "--person", "a@example.org", "--json").stdout)
    assert token["token"].startswith("assay_")
    link = json.loads(shell.assay("login-link", "--person", "a@example.org", "--next", "/queue", "--json").stdout)
    assert link["url"].startswith("http://127.0.0.1:8000/sign-in/")


def test_working_days_are_set_and_kept(shell: Shell) -> None:
    shell.assay("org", "add", "--code", "bank", "--name", "Bank")
    calendar = ("org", "calendar", "--code", "bank", "--json")
    assert json.loads(shell.assay(*calendar).stdout)["weekend"] == ["sat", "sun"]
    shell.assay(*calendar, "--time-zone", "Africa/Cairo", "--weekend", "fri,sat", "--holiday", "2027-01-07")
    kept = json.loads(shell.assay(*calendar, "--judge-within", "3").stdout)
    assert (kept["time_zone"], kept["weekend"], kept["holidays"]) == ("Africa/Cairo", ["fri", "sat"], ["2027-01-07"])
    assert (kept["judge_within"], kept["answer_within"]) == (3, 10)
    refused = shell.assay(*calendar, "--weekend", "friday")
    assert (refused.returncode, "mon, tue" in refused.stderr) == (2, True)


def test_an_identity_is_recorded_by_an_administrator_and_shown(shell: Shell, tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'assay.sqlite3'}")
    with writing(engine) as session:
        organisation = an_organisation(session)
        admin = a_person(session, organisation, Role.ADMINISTRATOR)
        submission = a_submission(session, organisation)
        assessor = a_person(session, organisation, Role.ASSESSOR)
    engine.dispose()
    typed = submission.reference.replace("-", "").lower()
    record = ("identity", "record", typed, "--identity", "document-seen", "--note", "Passport", "--by")
    assert shell.assay(*record, assessor.email).returncode == 2
    made = json.loads(shell.assay(*record, admin.email, "--json").stdout)
    shown = json.loads(shell.assay("identity", "show", str(submission.id), "--json").stdout)
    assert (shown["identity"], shown["items"]) == ("document-seen", [made])
    assert (made["by"], made["note"]) == (str(admin.id), "Passport")


def test_links_name_the_port_of_the_last_start_unless_an_address_is_set(shell: Shell) -> None:
    shell.assay("org", "add", "--code", "bank", "--name", "Bank")
    shell.assay("person", "add", "--email", "a@example.org", "--name", "A", "--org", "bank", "--role", "assessor")
    last_port(shell.data_dir).write_text("9000")
    assert "http://127.0.0.1:9000/sign-in/" in shell.assay("login-link", "--person", "a@example.org").stdout
    told = shell.assay("login-link", "--person", "a@example.org", ASSAY_BASE_URL="https://a.example")
    assert "https://a.example/sign-in/" in told.stdout


def test_a_password_is_set_and_a_short_one_is_refused(shell: Shell) -> None:
    shell.assay("org", "add", "--code", "bank", "--name", "Bank")
    shell.assay("person", "add", "--email", "a@example.org", "--name", "A", "--org", "bank", "--role", "assessor")
    who = ("person", "password", "--person", "a@example.org", "--password")
    assert "at least 12" in shell.assay(*who, "short").stderr
    assert shell.assay(*who, "correct horse battery").returncode == 0


def test_a_wrong_value_of_a_setting_is_one_sentence(shell: Shell) -> None:
    done = shell.assay("person", "list", ASSAY_CLAIM_SECONDS="long")
    assert done.returncode == 2
    assert done.stderr.startswith("ASSAY_CLAIM_SECONDS: ")
    assert "Traceback" not in done.stderr


def test_a_changed_row_ends_audit_verify_with_one(shell: Shell, tmp_path: Path) -> None:
    shell.assay("org", "add", "--code", "bank", "--name", "Bank")
    assert shell.assay("audit", "verify").returncode == 0
    with sqlite3.connect(tmp_path / "assay.sqlite3") as database:
        table = database.execute("select name from sqlite_master where type='table' and name like '%audit%'")
        name = table.fetchone()[0]
        for (trigger,) in database.execute("select name from sqlite_master where type='trigger'").fetchall():
            database.execute(f"drop trigger {trigger}")
        database.execute(f"update {name} set action='organisation.removed'")  # noqa: S608  # a name from the schema
    database.close()
    answer = shell.assay("audit", "verify", "--json")
    assert (answer.returncode, json.loads(answer.stdout)["first_bad_seq"]) == (1, 1)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("person", "add", "--email", "x@y.zz", "--name", "X", "--org", "no", "--role", "auditor"), "no organisation"),
        (("login-link", "--person", "nobody@example.org"), "Nobody here"),
        (("org", "add", "--code", "Not a code", "--name", "X"), "A code has"),
        (("token", "add", "--person", "a", "--scope", "everything"), "everything"),
        (("storage", "show", "7b1f0c9e-0f6e-4a44-9d53-0b1f6f1a6a52"), "assay up"),
    ],
)
def test_a_refusal_is_a_sentence_and_exit_status_2(shell: Shell, arguments: tuple[str, ...], says: str) -> None:
    answer = shell.assay(*arguments)
    assert answer.returncode == 2
    assert says in answer.stderr
    assert "Traceback" not in answer.stderr


def test_without_a_database_the_way_out_is_named(tmp_path: Path) -> None:
    answer = Shell(tmp_path).assay("person", "list")
    assert (answer.returncode, "assay init" in answer.stderr) == (2, True)


def test_an_unknown_setting_names_the_nearest_one(tmp_path: Path) -> None:
    answer = Shell(tmp_path).assay("init", ASSAY_DATABASE_URI="sqlite://")
    assert answer.returncode == 2
    assert "ASSAY_DATABASE_URL" in answer.stderr
