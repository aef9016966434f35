"""Real clips through the real model, in the child process."""

import re
import unicodedata

import pytest

from app.evidence.captions import cues, webvtt
from tests.workers.speech.conftest import said_in
from workers.speech.client import LanguageNotTranscribed, SpeechChild, StalePlan, UnreadableSpeech
from workers.speech.plans import Plan, join

pytestmark = pytest.mark.speech

ENGLISH = ("en-librivox-1.flac", "en-fleurs-2-very-quiet.flac", "en-librivox-2.flac", "en-fleurs-1.flac")
NUMBERS = dict(zip("123456", ("واحد", "اثنان", "ثلاثة", "أربعة", "خمسة", "ستة"), strict=True))


def english(text):
    text = re.sub(r"\bmr\b\.?", "mister", text.lower().replace("'", ""))
    return re.findall(r"[a-z0-9]+", text)


def arabic(text):
    """Fold what is written in more than one way: digits, hamza, taa marbuta, vowel marks."""
    text = re.sub("[1-6]", lambda digit: NUMBERS[digit[0]], text)
    text = "".join(letter for letter in unicodedata.normalize("NFD", text) if not unicodedata.combining(letter))
    return re.findall(r"\w+", text.replace("ة", "ه"))


def word_errors(said, heard):
    """Insertions, deletions and replacements that turn one list of words into the other."""
    row = list(range(len(heard) + 1))
    for number, word in enumerate(said, start=1):
        before, row = row, [number]
        for column, other in enumerate(heard, start=1):
            row.append(min(before[column] + 1, row[-1] + 1, before[column - 1] + (word != other)))
    return row[-1]


def transcribe(child: SpeechChild, wav, language):
    plan = child.plan(wav, language=language)
    results = child.transcribe(wav, plan=plan, indices=range(len(plan.chunks)))
    return plan, join(plan, results)


@pytest.fixture(scope="module")
def english_wav(studio):
    return studio.clips("english.wav", *ENGLISH)


def test_loud_and_quiet_speakers_are_understood(speech_child, english_wav):
    plan, transcript = transcribe(speech_child, english_wav, "en-GB")

    said, heard = english(said_in(*ENGLISH)), english(" ".join(s.text for s in transcript.segments))
    assert word_errors(said, heard) / len(said) <= 0.10
    assert (transcript.language, plan.engine.model) == ("en", "base")
    assert transcript.detected is None
    words = [word for segment in transcript.segments for word in segment.words]
    assert all(0 <= word.start_ms <= word.end_ms <= plan.duration_ms for word in words)
    assert [word.start_ms for word in words] == sorted(word.start_ms for word in words)
    assert all(0 <= word.probability <= 1 for word in words)
    assert "".join(webvtt(transcript).split("\n")[-2:])
    assert len(cues(transcript)) >= 4


def test_word_times_are_those_of_the_recording(speech_child, studio):
    wav = studio.clips("late.wav", "ar-numbers-1to6.flac", "en-librivox-2.flac", pause_s=20)

    _, transcript = transcribe(speech_child, wav, "en")

    married = next(w for s in transcript.segments for w in s.words if w.text.lower().startswith("married"))
    # The first clip lasts 18.8 s and is followed by 20 s of silence; "had he married" begins the second.
    assert 38_800 <= married.start_ms <= 40_300


def test_arabic_numbers_are_mostly_understood(speech_child, studio):
    wav = studio.clips("arabic.wav", "ar-numbers-1to6.flac")

    _, transcript = transcribe(speech_child, wav, "ar-OM")

    said = arabic(said_in("ar-numbers-1to6.flac"))
    heard = arabic(" ".join(segment.text for segment in transcript.segments))
    assert len(said) - word_errors(said, heard) >= 4
    assert transcript.confidence is not None


def test_a_recording_in_another_language_than_declared_gives_a_hint(speech_child, studio):
    wav = studio.clips("declared-arabic.wav", "en-librivox-1.flac")

    _, transcript = transcribe(speech_child, wav, "ar")

    assert transcript.language == "ar"  # as the candidate said: a guess changes nothing
    assert transcript.detected.language == "en"
    assert transcript.detected.probability >= 0.8


@pytest.mark.parametrize(
    "source",
    ["anullsrc=r=16000:d=20", "anoisesrc=r=16000:d=20:a=0.001:seed=7", "sine=frequency=50:r=16000:d=20"],
)
def test_silence_noise_and_hum_give_no_speech_and_no_text(speech_child, studio, source):
    wav = studio.sound("quiet.wav", source)

    plan, transcript = transcribe(speech_child, wav, "en")

    assert plan.chunks == ()
    assert transcript.segments == ()
    assert [silence.length_ms for silence in plan.silences] == [20_000]


def test_plan_is_the_same_again_and_reads_back(speech_child, english_wav):
    first = speech_child.plan(english_wav, language="en")

    assert speech_child.plan(english_wav, language="en") == first
    assert speech_child.plan(english_wav, language="ar").id != first.id
    assert Plan.from_json(first.to_json()) == first


def test_plan_of_another_recording_is_refused(speech_child, studio, english_wav):
    plan = speech_child.plan(english_wav, language="en")
    other = studio.sound("other.wav", "sine=frequency=440:r=16000:d=40")

    with pytest.raises(StalePlan):
        speech_child.transcribe(other, plan=plan, indices=[0])


def test_wrong_sound_and_missing_file_are_refused(speech_child, studio, tmp_path):
    with pytest.raises(UnreadableSpeech, match="8000 Hz"):
        speech_child.plan(studio.sound("phone.wav", "sine=r=8000:d=1", rate=8_000), language="en")
    with pytest.raises(UnreadableSpeech):
        speech_child.plan(tmp_path / "none.wav", language="en")


def test_language_that_the_model_has_not_learnt_is_no_failure_of_the_child(speech_child, english_wav):
    pid = speech_child.pid

    with pytest.raises(LanguageNotTranscribed):
        speech_child.plan(english_wav, language="tlh")

    assert speech_child.pid == pid
