"""`assay framework` as a program."""

import json
from pathlib import Path

from tests.cli.running import Shell

DEMO = Path(__file__).parents[2] / "app" / "demo" / "demo-frameworks.json"


def test_what_is_imported_is_exported_and_a_second_import_changes_nothing(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    shell.assay("init")
    shell.assay("org", "add", "--code", "bank", "--name", "Bank")
    first = json.loads(shell.assay("framework", "import", str(DEMO), "--org", "bank", "--json").stdout)
    second = json.loads(shell.assay("framework", "import", str(DEMO), "--org", "bank", "--json").stdout)
    assert (first["rubrics"], first["unchanged"]) == (second["unchanged"], second["rubrics"])
    exported = json.loads(shell.assay("framework", "export", "demo-banking", "--org", "bank").stdout)
    assert {each["id"] for each in exported["rubrics"]} == {
        each["id"] for each in json.loads(DEMO.read_text())["rubrics"]
    }


def test_a_broken_file_is_a_sentence(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    shell.assay("init")
    shell.assay("org", "add", "--code", "bank", "--name", "Bank")
    (tmp_path / "broken.json").write_text('{"rubrics": [')
    answer = shell.assay("framework", "import", str(tmp_path / "broken.json"), "--org", "bank")
    assert (answer.returncode, "is not JSON" in answer.stderr) == (2, True)
