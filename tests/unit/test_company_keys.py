"""The keys of the company's sign-on may change: a token that none fits has them asked for once more, and not all the time."""

from typing import Any

import pytest
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey

from riskscore.stores.exposure import CompanySignOn, Exposure
from riskscore_serving.access import company
from riskscore_serving.access.company import ASKED_AGAIN_AFTER, Company
from riskscore_serving.settings import Address

ISSUER = "http://127.0.0.1:9"
OLD, NEW, FOREIGN = (RSAKey.generate_key(2048, {"kid": name}) for name in ("old", "new", "foreign"))
NOW = 1_782_800_000


class Provider:
    """Says what it is and which keys it has; counts how often it was asked for them."""

    def __init__(self) -> None:
        self.key, self.asked = OLD, 0

    def get(self, url: str, timeout: float) -> Any:
        if not url.endswith("/keys"):
            return self.Answer({"issuer": ISSUER, "jwks_uri": ISSUER + "/keys"})
        self.asked += 1
        return self.Answer(KeySet([self.key]).as_dict(private=False))

    class Answer:
        def __init__(self, said: Any) -> None:
            self.json = lambda: said

        def raise_for_status(self) -> "Provider.Answer":
            return self


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Provider:
    found = Provider()
    monkeypatch.setattr(company.httpx, "get", found.get)
    return found


@pytest.fixture
def ours() -> Company:
    sign_on = CompanySignOn(
        issuer=ISSUER, client_id="riskscore", client_secret="a-secret-of-two", scopes="openid", roles={"all": "viewer"}
    )
    return Company(sign_on, Address(exposure=Exposure(sign_on=sign_on)))


def read(ours: Company, key: RSAKey, now: int) -> Any:
    _, keys = ours._provider(now)
    return ours._decoded(jwt.encode({"alg": "RS256", "kid": key.kid}, {"sub": "ann"}, key), keys, now).claims["sub"]


def test_a_new_key_is_asked_for(ours: Company, provider: Provider) -> None:
    assert read(ours, OLD, NOW) == "ann"
    provider.key = NEW

    assert read(ours, NEW, NOW + ASKED_AGAIN_AFTER) == "ann"
    assert provider.asked == 2


def test_a_forger_has_the_keys_asked_for_once_a_minute_and_gets_nowhere(ours: Company, provider: Provider) -> None:
    read(ours, OLD, NOW)
    for second in range(2 * ASKED_AGAIN_AFTER):
        with pytest.raises((JoseError, ValueError)):
            read(ours, FOREIGN, NOW + second)

    assert provider.asked == 2
