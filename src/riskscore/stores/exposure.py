"""How far the server may be reached, as an operator sets it: the `[serve]` part of `riskscore.toml`."""

from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic.networks import IPvAnyNetwork

Role = Literal["viewer", "analyst", "approver", "admin"]


class CompanySignOn(BaseModel):
    """The company's own sign-on (OpenID Connect).

    issuer: its address, as its tokens name it. client_id, client_secret: as registered there. roles_claim: the claim of the ID
    token that lists groups. roles: group to role; of several the highest holds, and who is in none is turned away.
    name_claim: the claim that becomes the account's name. scopes: what is asked for.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    issuer: Annotated[str, Field(pattern=r"^https?:/{2}[^\s?#]+$")]
    client_id: Annotated[str, Field(min_length=1)]
    client_secret: SecretStr
    roles_claim: str = "groups"
    roles: Annotated[dict[str, Role], Field(min_length=1)]
    name_claim: str = "email"
    scopes: str = "openid email profile"

    @model_validator(mode="after")
    def _over_tls(self) -> Self:
        host = self.issuer.partition("//")[2].partition("/")[0].rpartition(":")[0]
        if self.issuer.startswith("http:") and host not in {"127.0.0.1", "localhost"}:
            raise ValueError("issuer: only https, but for a provider on this machine")
        return self


class Exposure(BaseModel):
    """Nothing set: this machine only.

    public_url: the https address people call the server by. tls_certificate, tls_key: files, where the server itself speaks TLS.
    proxies: addresses or networks of the proxy that speaks TLS in front of it; only from there is X-Forwarded-* believed.
    secret: at least 32 random characters, from which form tokens are made; best as RISKSCORE_SERVE__SECRET.
    sign_on: the company's own sign-on; local accounts hold beside it.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    public_url: Annotated[str, Field(pattern=r"^https:/{2}[^\s/?#@]+$")] | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    proxies: tuple[IPvAnyNetwork, ...] = ()
    secret: SecretStr | None = None
    sign_on: CompanySignOn | None = None

    @model_validator(mode="after")
    def _both_files(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key go together")
        return self
