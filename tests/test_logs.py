"""The two forms of the log."""

import json
import logging

from app import logs


def a_record(**extra: object) -> logging.LogRecord:
    return logging.getLogger("assay.test").makeRecord(
        "assay.test", logging.WARNING, __file__, 1, "%s went wrong", ("It",), None, extra=extra
    )


def test_a_line_of_json_says_what_it_is_about_and_its_own_facts():
    with logs.about(request_id="abc"), logs.about(job_id="issue:1"):
        line = json.loads(logs.JsonLines().format(a_record(**logs.facts(ms=12))))
    assert {"request_id": "abc", "job_id": "issue:1", "ms": 12, "message": "It went wrong"}.items() <= line.items()
    assert json.loads(logs.JsonLines().format(a_record())).keys() == {"at", "level", "logger", "message"}


def test_a_line_for_people_ends_with_what_it_is_about():
    with logs.about(job_id="issue:1"):
        assert logs.Lines().format(a_record()).endswith("WARNING assay.test: It went wrong [job_id=issue:1]")


def test_values_that_a_database_names_are_left_out():
    said = "duplicate key value\nDETAIL:  Key (email)=(sara@example.org) already exists.\nCONTEXT: a copy"
    error, record = ValueError(said), a_record()
    record.exc_info = (type(error), error, None)
    stored = logs.without_values(repr(error))
    for shown in (logs.Lines().format(record), logs.JsonLines().format(record), stored):
        assert "duplicate key value" in shown
        assert "CONTEXT: a copy" in shown
        assert "sara" not in shown
