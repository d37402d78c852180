"""What anybody sends as a recording becomes speech for the models, or a sentence."""

import io
import math
import wave
from array import array
from pathlib import Path

import numpy as np
import pytest

soundfile = pytest.importorskip("soundfile", reason="the package soundfile is not installed here")

from appliance.core import sound  # noqa: E402 - after what it needs
from appliance.core.errors import Unavailable  # noqa: E402

TONE = 440


def recorded(path: Path, *, rate: int, seconds: float, channels: int = 1, **form: str) -> Path:
    heard = array("f", [0.5 * math.sin(2 * math.pi * TONE * (at // channels) / rate) for at in range(int(rate * seconds) * channels)])
    with soundfile.SoundFile(path, "w", samplerate=rate, channels=channels, **form) as file:
        file.buffer_write(heard.tobytes(), dtype="float32")
    return path


def pitch_of(samples: "np.ndarray[tuple[int], np.dtype[np.float64]]", rate: int) -> float:
    return float(np.abs(np.fft.rfft(samples)).argmax() * rate / len(samples))


def test_a_voice_note_becomes_what_the_models_hear(tmp_path: Path) -> None:
    noted = recorded(tmp_path / "v.ogg", rate=48_000, seconds=12.5, channels=2, format="OGG", subtype="OPUS")
    speech = sound.speech_of(iter([noted.read_bytes()[:100], noted.read_bytes()[100:]]))
    with wave.open(io.BytesIO(speech.wav)) as file:
        assert file.getparams()[:3] == (1, 2, sound.RATE)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32767
    assert (round(speech.seconds, 1), speech.is_cut) == (12.5, False)
    assert pitch_of(samples, sound.RATE) == pytest.approx(TONE, abs=1)
    assert abs(samples).max() == pytest.approx(0.5, abs=0.05), "no seam between the pieces stands out"


def test_of_a_long_recording_the_first_quarter_of_an_hour_is_taken(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "long.wav"), "wb") as file:
        file.setparams((1, 1, 4_000, 0, "NONE", ""))
        file.writeframes(b"\x80" * 4_000 * (sound.LONGEST_SPEECH_S + 30))
    speech = sound.speech_of([(tmp_path / "long.wav").read_bytes()])
    assert (speech.seconds, speech.is_cut) == (sound.LONGEST_SPEECH_S, True)


@pytest.mark.parametrize("noise", [b"", b"OggS" + b"\x00" * 4096, b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n"])
def test_what_is_no_recording_is_refused(noise: bytes) -> None:
    with pytest.raises(sound.NotDecoded):
        sound.speech_of([noise])


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_pitch_and_length_stay_at_every_rate(rate: int) -> None:
    at = np.arange(rate * 7 // 2) / rate
    heard = np.sin(2 * np.pi * TONE * at).astype(np.float32)
    scaled = np.concatenate(list(sound._at_16_khz([heard[: rate * 2], heard[rate * 2 :]], rate)))
    assert len(scaled) == sound.RATE * 7 // 2
    assert pitch_of(scaled, sound.RATE) == pytest.approx(TONE, abs=1)
    assert abs(scaled[sound.RATE : -sound.RATE]).max() == pytest.approx(1, abs=0.02)


def test_a_machine_without_room_for_a_decoder_is_asked_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    with pytest.raises(Unavailable):
        sound.speech_of([b"RIFF"])
