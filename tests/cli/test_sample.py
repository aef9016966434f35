"""`assay sample` as people call it: exact fields, and misuse that ends with 2."""

import json

import pytest
from typer.testing import CliRunner

from app.cli.sample import sample

SECRET = bytes(range(32)).hex()


def run(*arguments):
    return CliRunner().invoke(sample, [str(each) for each in arguments])


def answer(*arguments):
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_adaptive_plan_after_twenty_without_a_fault():
    found = answer("plan", "--engine", "adaptive", "--lot", 25, "--faults", 0, "--sampled", 20)
    assert found["p_bad"] == pytest.approx(0.0471, abs=5e-5)
    assert found["mean"] == pytest.approx(1 / 30)
    assert (found["n"], found["accept"], found["reject_at"], found["tier"]) == (7, 1, 2, "normal")
    assert set(found) == {"n", "accept", "reject_at", "reason", "p_bad", "mean", "tier"}


@pytest.mark.parametrize(
    ("arguments", "n"),
    [
        (["--mode", "rate", "--lot", 25, "--rate", 0.25, "--min-n", 3], 7),
        (["--mode", "detect", "--lot", 500, "--detect-rate", 0.02, "--confidence", 0.95], 129),
        (["--mode", "cochran", "--lot", 150, "--margin", 0.15, "--confidence", 0.95], 34),
    ],
)
def test_fixed_plans(arguments, n):
    found = answer("plan", "--engine", "fixed", *arguments)
    assert found["n"] == n
    assert set(found) == {"n", "accept", "reject_at", "reason"}


def test_plans_and_switching_of_the_standard():
    found = answer("plan", "--engine", "iso2859", "--lot", 280, "--level", "II", "--aql", 2.5)
    assert (found["n"], found["accept"], found["reject_at"]) == (32, 2, 3)
    history = answer("switch", "--history", "AARAR", "--accept", 1)
    assert history == {"severity": ["normal"] * 5 + ["tightened"]}


def test_draw_repeats_the_vector(tmp_path):
    keys = tmp_path / "keys.txt"
    keys.write_text("".join(f"sub-{number:04d}#1\n" for number in range(1, 41)), "utf-8")
    common = ["draw", "--secret", SECRET, "--plan", "plan-demo", "--plan-version", 1, "--keys", keys]
    by_rate = answer(*common, "--rate", 0.2)
    by_n = answer(*common, "--n", 13)
    assert by_rate["commitment"].startswith("fab45739")
    assert by_rate["draws"][0] == {"key": "sub-0001#1", "u": 0.2717851228622149}
    assert by_rate["picked"] == [f"sub-{each:04d}#1" for each in (3, 11, 14, 18, 21, 23, 33, 36)]
    assert by_n["picked"][8:] == [f"sub-{each:04d}#1" for each in (9, 7, 8, 25, 37)]


def test_bound_and_curve_and_search_and_lines():
    assert answer("bound", "--lot", 50, "--sampled", 8, "--faults", 0) == {"upper": 14}
    curve = answer("oc", "--n", 8, "--accept", 1, "--lot", 50, "--rate", 0.04, "--rate", 0.2)
    assert [round(each["accept_probability"], 4) for each in curve["points"]] == [0.9771, 0.4905]
    assert curve["aoql"] == pytest.approx(0.0852, abs=5e-5)
    points = ["--good-rate", 0.05, "--good-accept", 0.95, "--bad-rate", 0.15, "--bad-accept", 0.075]
    assert answer("find", "--model", "binomial", *points) == {"n": 80, "accept": 7}
    lines = answer("sprt", "--p0", 0.05, "--p1", 0.2, "--alpha", 0.05, "--beta", 0.1)
    assert lines["accept_at"] == [14, 23, 32, 41]


def test_a_search_without_result_answers_no():
    points = ["--good-rate", 0.05, "--good-accept", 0.95, "--bad-rate", 0.06, "--bad-accept", 0.05]
    result = run("find", "--model", "hypergeometric", "--lot", 20, *points)
    assert (result.exit_code, result.stdout) == (1, "")


def test_prior_is_fitted_from_a_file(tmp_path):
    file = tmp_path / "results.json"
    file.write_text(json.dumps({"faults": [0, 1, 3, 0, 2, 8], "sampled": [20] * 6}), "utf-8")
    found = answer("prior", file)
    assert set(found) == {"ml", "a", "b"}
    assert 9.999 <= found["a"] + found["b"] <= 60.001


@pytest.mark.parametrize(
    "arguments",
    [
        ["plan", "--engine", "iso2859", "--lot", 50, "--severity", "full"],
        ["switch", "--history", "AXR", "--accept", 1],
        ["plan", "--lot", 0],
        ["plan", "--lot", 5, "--faults", 3, "--sampled", 2],
        ["bound", "--lot", 5, "--sampled", 8, "--faults", 0],
        ["find", "--good-rate", 2, "--good-accept", 0.95, "--bad-rate", 0.15, "--bad-accept", 0.075],
        ["sprt", "--p0", 0.2, "--p1", 0.05, "--alpha", 0.05, "--beta", 0.1],
    ],
)
def test_misuse_ends_with_two(arguments):
    assert run(*arguments).exit_code == 2


def test_people_get_a_line_for_each_field():
    assert run("bound", "--lot", 50, "--sampled", 8, "--faults", 1).stdout == "upper: 22\n"


def stats(tmp_path, content):
    file = tmp_path / "stats.json"
    file.write_text(json.dumps(content), "utf-8")
    return file


@pytest.mark.parametrize(
    ("content", "shape"),
    [
        (
            {"kind": "ratings", "matrix": [[1, 2, 3, None], [1, 2, 2, 3]]},
            {
                "units": None,
                "raters": None,
                "enough": None,
                "krippendorff_alpha": {"nominal", "ordinal", "interval", "ratio"},
                "fleiss_kappa": None,
                "conger_kappa": None,
                "gwet_ac1": {"value", "pa", "pe"},
                "gwet_ac2": {"quadratic", "linear"},
            },
        ),
        ({"kind": "counts", "matrix": [[2, 0], [1, 1]]}, {"fleiss_kappa": None, "gwet_ac1": None}),
        (
            {"kind": "table", "matrix": [[20, 5], [10, 15]]},
            {
                "cohen_kappa": {"unweighted", "linear", "quadratic", "se", "interval"},
                "gwet_ac1": None,
                "gwet_ac2": None,
            },
        ),
        (
            {"kind": "icc", "matrix": [[9, 2], [6, 1], [8, 4]]},
            {"icc": {"1,1", "A,1", "C,1", "1,k", "A,k", "C,k"}},
        ),
        ({"kind": "proportions", "pairs": [[1, 10]]}, {"proportions": None}),
        ({"kind": "pchart", "pbar": 0.2, "n": 50}, {"lower": None, "upper": None}),
        (
            {"kind": "funnel", "p": 0.06, "n": 50},
            dict.fromkeys(("lower95", "upper95", "lower998", "upper998")),
        ),
    ],
)
def test_statistics_have_the_promised_fields(tmp_path, content, shape):
    found = answer("stats", stats(tmp_path, content))
    assert set(found) == set(shape)
    for name, inner in shape.items():
        assert inner is None or set(found[name]) == inner


@pytest.mark.parametrize(
    "content",
    [
        {"kind": "astrology"},
        {"kind": "ratings", "matrix": [[1, 2], [1]]},
        {"kind": "ratings", "matrix": [[1, None], [None, 2]]},
        {"kind": "table", "matrix": [[1, 2, 3], [1, 2, 3]]},
        {"kind": "icc", "matrix": [[1, None], [2, 3]]},
        {"kind": "funnel", "p": 0, "n": 50},
    ],
)
def test_files_without_figures_are_refused(tmp_path, content):
    assert run("stats", stats(tmp_path, content)).exit_code == 2
