"""The company's own sign-on: OpenID Connect, authorization code with PKCE, over authlib.

Nothing is kept between the two steps but a random name in a cookie of this browser; state, nonce and verifier follow from it and
from the server's secret, so an answer that was not asked for from this browser fits none of them.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from riskscore.errors import StorageFailed
from riskscore.stores.access import ROLES
from riskscore.stores.exposure import CompanySignOn
from riskscore_serving.settings import Address

BACK = "/sign-in/company/back"
LASTS = 10 * 60  # seconds that a person may take at the company's sign-on
LEEWAY = 60  # seconds that two clocks may differ
PATIENCE = 2.0  # seconds for each question to the company's sign-on
ASKED_AGAIN_AFTER = 60  # seconds: then a token that no key fits has the keys asked for again; no forger can do it all the time
KEPT = 60 * 60  # seconds that its addresses and keys are taken to be the same
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures of a key pair only: `none`, and a shared secret that the provider's public key could be taken for, are not in it."""


class NotRecognised(Exception):
    """The answer was not asked for, is not the sign-on's, or names nobody who has a role here. The reason goes to the log."""


@dataclass(frozen=True)
class Recognised:
    """Who came back: the provider's name for ever, the name of the account here, the role."""

    subject: str
    name: str
    role: str


@dataclass
class Company:
    """The two steps of signing on elsewhere."""

    sign_on: CompanySignOn
    at: Address
    _known: tuple[int, Mapping[str, Any], Mapping[str, Any]] | None = field(default=None, init=False)

    def leave(self, now: int) -> tuple[str, str]:
        """Where to send the browser, and the cookie that it must come back with. Raises StorageFailed where nobody answers."""
        trip = f"{now}.{secrets.token_urlsafe(32)}"
        facts, _ = self._provider(now)
        with self._client() as client:
            url, _ = client.create_authorization_url(
                facts["authorization_endpoint"],
                state=self._part("state", trip),
                nonce=self._part("nonce", trip),
                code_verifier=self._part("verifier", trip),
            )
        return url, trip

    def come_back(self, answer: Mapping[str, str], trip: str, now: int) -> Recognised:
        """Who signed on. Raises NotRecognised, and StorageFailed where the provider does not answer."""
        began = trip.partition(".")[0]
        if not began.isdigit() or not 0 <= now - int(began) <= LASTS:
            raise NotRecognised("the browser did not leave from here, or too long ago")
        if not hmac.compare_digest(answer.get("state", "").encode(), self._part("state", trip).encode()):
            raise NotRecognised("the answer was not asked for by this browser")
        if "code" not in answer or answer.get("iss", self.sign_on.issuer) != self.sign_on.issuer:
            raise NotRecognised("the answer has no code, or is another provider's")
        claims = self._claims(answer["code"], trip, now)
        return Recognised(claims["sub"], str(claims.get(self.sign_on.name_claim, "")), self._role(claims))

    def _claims(self, code: str, trip: str, now: int) -> Mapping[str, Any]:
        facts, keys = self._provider(now)
        try:
            with self._client() as client:
                token = client.fetch_token(facts["token_endpoint"], code=code, code_verifier=self._part("verifier", trip))
            decoded = self._decoded(token["id_token"], keys, now)
            claims = CodeIDToken(
                decoded.claims,
                decoded.header,
                {
                    "iss": {"essential": True, "value": self.sign_on.issuer},
                    "aud": {"essential": True, "value": self.sign_on.client_id},
                    "nonce": {"essential": True, "value": self._part("nonce", trip)},
                },
                {"nonce": self._part("nonce", trip), "client_id": self.sign_on.client_id, "access_token": token["access_token"]},
            )
            claims.validate(now=now, leeway=LEEWAY)
        except (OAuthError, JoseError, KeyError, ValueError) as error:
            raise NotRecognised(f"the answer does not hold: {type(error).__name__}") from error
        except httpx.HTTPError as error:
            raise StorageFailed(f"the company's sign-on does not answer ({type(error).__name__})") from error
        found: Mapping[str, Any] = claims
        return found

    def _decoded(self, id_token: str, keys: Mapping[str, Any], now: int) -> jwt.Token:
        """The token, its signature checked. A key that is not known may be a new one: then they are asked for once more."""
        try:
            return jwt.decode(id_token, KeySet.import_key_set(dict(keys)), algorithms=ALGORITHMS)  # type: ignore[arg-type]
        except (JoseError, ValueError):
            if self._known is None or now - self._known[0] < ASKED_AGAIN_AFTER:
                raise
            self._known = None
        _, keys = self._provider(now)
        return jwt.decode(id_token, KeySet.import_key_set(dict(keys)), algorithms=ALGORITHMS)  # type: ignore[arg-type]

    def _role(self, claims: Mapping[str, Any]) -> str:
        groups = claims.get(self.sign_on.roles_claim, [])
        named = [groups] if isinstance(groups, str) else groups if isinstance(groups, list) else []
        roles = {self.sign_on.roles[group] for group in named if group in self.sign_on.roles}
        if not roles:
            raise NotRecognised("none of their groups has a role here")
        return max(roles, key=ROLES.index)

    def _provider(self, now: int) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """What the provider says of itself and its keys."""
        if self._known is None or now - self._known[0] > KEPT:
            url = self.sign_on.issuer.rstrip("/") + "/.well-known/openid-configuration"
            try:
                facts = httpx.get(url, timeout=PATIENCE).raise_for_status().json()
                keys = httpx.get(facts["jwks_uri"], timeout=PATIENCE).raise_for_status().json()
            except (httpx.HTTPError, ValueError, KeyError) as error:
                raise StorageFailed(f"the company's sign-on does not answer ({type(error).__name__})") from error
            if facts.get("issuer") != self.sign_on.issuer:
                raise StorageFailed("the company's sign-on calls itself otherwise than serve.sign_on.issuer; nobody was let in")
            self._known = (now, facts, keys)
        return self._known[1:]

    def _client(self) -> OAuth2Client:
        return OAuth2Client(
            self.sign_on.client_id,
            self.sign_on.client_secret.get_secret_value(),
            scope=self.sign_on.scopes,
            redirect_uri=self.at.url + BACK,
            code_challenge_method="S256",
            timeout=PATIENCE,
        )

    def _part(self, what: str, trip: str) -> str:
        return hmac.new(self.at.secret, f"{what}\0{trip}".encode(), hashlib.sha256).hexdigest()
