"""Where Redis is and how its sentinels are named, as people write it."""

import pytest
from pydantic import ValidationError

from appliance.core import queue_server
from appliance.core.config import RedisSettings, Settings


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"url": "unix:///run/redis.sock", "sentinels": ["a:26379"]}, "With sentinels, redis.url names their master: redis://mymaster/0"),
        ({"sentinels": ["a:26379"]}, "With sentinels, redis.url names their master: redis://mymaster/0"),
        ({"url": "redis:///0", "sentinels": ["a:26379"]}, "With sentinels, redis.url names their master: redis://mymaster/0"),
        ({"url": "redis://m/0", "sentinels": ["a:b"]}, "a:b is not the host:port of a sentinel."),
        ({"url": "redis://m/0", "sentinels": ["http://a:1"]}, "http://a:1 is not the host:port of a sentinel."),
        ({"url": "redis://m/0", "sentinels": ["redis://bob:hid/den@a:b"]}, "a:b is not the host:port of a sentinel."),
    ],
)
def test_settings_that_lead_nowhere_are_refused_with_a_sentence(told, said):
    with pytest.raises(ValidationError) as refused:
        RedisSettings(**told)
    assert str(refused.value.errors()[0]["ctx"]["error"]) == said


def test_sentinels_are_written_as_machines_or_as_addresses_and_keep_the_case_of_the_name():
    settings = RedisSettings(url="rediss://app:x@My.Master_1/3", sentinels=["one", "[::1]:1", "redis://watch@two:2"])
    assert settings.master == "My.Master_1"
    written = [queue_server._written_out(settings, one) for one in settings.sentinels]
    assert written == ["rediss://one:26379", "rediss://[::1]:1", "redis://watch@two:2"]


def test_a_password_that_is_no_text_is_refused_with_a_sentence(tmp_path):
    (tmp_path / "odd").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValidationError) as refused:
        RedisSettings(password_file=tmp_path / "odd")
    assert str(refused.value.errors()[0]["ctx"]["error"]) == f"The password file {tmp_path}/odd holds no text in UTF-8."


@pytest.mark.parametrize("typed", ["a:1;b:2", " a:1 ; b:2; ", '["a:1", "b:2"]'])
def test_sentinels_are_typed_in_the_environment_as_hosts_of_a_model_are(monkeypatch, typed):
    monkeypatch.setenv("SALESEDGE__REDIS__URL", "redis://mymaster")
    monkeypatch.setenv("SALESEDGE__REDIS__SENTINELS", typed)
    assert Settings().redis.sentinels == ("a:1", "b:2")
