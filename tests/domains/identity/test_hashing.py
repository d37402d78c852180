"""Passwords of the product; those of the other tests are made cheap."""

import importlib.util

from appliance.domains.identity.actions import hashing


def test_a_password_is_kept_at_the_cost_that_owasp_asks_for():
    spec = importlib.util.find_spec(hashing.__name__)
    as_shipped = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(as_shipped)
    kept = as_shipped.hash_password("correto cavalo bateria grampo")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert as_shipped.is_password(kept, "correto cavalo bateria grampo")
    assert not as_shipped.is_password(kept, "correto cavalo")
    assert as_shipped.is_outdated(hashing.hash_password("another"))
