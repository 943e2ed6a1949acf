"""The settings: one YAML file in the data directory, `CASEWORKS_*` over it."""

import os
import re
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from config.reading import read

FILE = "caseworks.yaml"
PREFIX = "CASEWORKS_"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
"""What means every address of the machine, and by which of them it reaches itself."""
HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9a-fA-F:.]+\]")
LISTS = ("allowed_hosts", "proxies")
OURS = frozenset({"data_dir"})  # read before the file is known
ELSEWHERE = frozenset({"chromium", "redis_server"})  # variables that tests use


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Log(_Section):
    format: Literal["auto", "json", "text"] = Field("auto", description="`auto`: readable on a terminal, else JSON.")
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("WARNING", description="The least that is logged.")


class Limits(_Section):
    body_bytes: Annotated[int, Field(ge=1024)] = Field(1_000_000, description="JSON body of a request.")
    upload_bytes: Annotated[int, Field(ge=1024)] = Field(50_000_000, description="One uploaded file.")
    requests_per_minute: Annotated[int, Field(ge=1)] = Field(600, description="Per token.")
    anonymous_per_minute: Annotated[int, Field(ge=1)] = Field(60, description="Per address, without a valid token.")
    streams: Annotated[int, Field(ge=1)] = Field(20, description="Open event streams at once.")
    calls_per_run: Annotated[int, Field(ge=1)] = Field(200, description="Recorded calls of one run.")


class Telemetry(_Section):
    otlp_endpoint: str | None = Field(None, description="Traces go to this OTLP/HTTP address; nowhere by default.")


class Settings(_Section):
    data_dir: Path = Field(description="Where everything is kept.")
    host: str = Field("127.0.0.1", description="The address to listen on; loopback, unless `behind_proxy`.")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(8470, description="0 takes any free port.")
    allowed_hosts: tuple[str, ...] = Field(("127.0.0.1", "localhost", "[::1]"), description="Host headers to answer.")
    behind_proxy: bool = Field(False, description="Only a proxy, or a published loopback port, reaches `host`.")
    proxies: tuple[str, ...] = Field((), description="Addresses of proxies whose X-Forwarded-For is believed.")
    token: SecretStr | None = Field(None, description="The owner's token, instead of the file in the data directory.")
    rehearse: bool = Field(False, description="Always the rehearsal model, whatever is configured.")
    record: Path | None = Field(None, description="A new file for all that is asked of models and what they say.")
    replay: Path | None = Field(None, description="A file of `record` that answers in place of models.")
    parallel: Annotated[int, Field(ge=1, le=100)] = Field(8, description="Runs carried on at once.")
    redis_url: SecretStr | None = Field(None, description="A Redis that carries messages between agents; none needed.")
    log: Log = Field(default_factory=Log)
    limits: Limits = Field(default_factory=Limits)
    telemetry: Telemetry = Field(default_factory=Telemetry)

    @property
    def is_local(self) -> bool:
        return self.host in LOOPBACK

    @property
    def reached_at(self) -> str:
        """The host by which this machine's own commands reach the server, as it stands in an address."""
        host = ANY.get(self.host, self.host)
        return f"[{host}]" if ":" in host else host

    @field_validator("allowed_hosts")
    @classmethod
    def _host_names(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        if (wrong := next((host for host in hosts if not HOST.fullmatch(host)), None)) is not None:
            raise ValueError(f"{wrong!r} is no host name; write it as in work.example, without scheme, port or *")
        return hosts

    @field_validator("proxies")
    @classmethod
    def _addresses(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for proxy in proxies:
            try:
                ip_network(proxy)
            except ValueError:
                raise ValueError(f"{proxy!r} is no address like 10.0.0.5 and no network like 10.0.0.0/24") from None
        return proxies

    @field_validator("redis_url")
    @classmethod
    def _an_address(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not _is_redis(url.get_secret_value()):
            raise ValueError("it must look like redis://HOST:PORT/0 (rediss:// with TLS, unix:// for a socket)")
        return url


def _is_redis(url: str) -> bool:
    try:
        parts = urlsplit(url)
        where = parts.path if parts.scheme == "unix" else parts.hostname
        return parts.scheme in ("redis", "rediss", "unix") and bool(where) and parts.port != 0
    except ValueError:
        return False


def default_data_dir() -> Path:
    from platformdirs import user_data_path

    return user_data_path("caseworks", appauthor=False)


def load(data_dir: Path | None, environ: Mapping[str, str] | None = None, **flags: Any) -> Settings:
    """Flags win over the environment, that over the file, that over the defaults. Raises ConfigurationError."""
    environ = os.environ if environ is None else environ
    chosen = data_dir or Path(environ.get(PREFIX + "DATA_DIR") or default_data_dir())
    overlay = from_environment(environ)
    overlay |= {name: value for name, value in flags.items() if value is not None}
    overlay["data_dir"] = chosen.expanduser().absolute()
    return read(chosen / FILE, Settings, overlay)


def from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """`CASEWORKS_LOG__LEVEL=DEBUG` is `log.level`."""
    values: dict[str, Any] = {}
    for variable, text in environ.items():
        name = variable.removeprefix(PREFIX).lower()
        if not variable.startswith(PREFIX) or name in OURS | ELSEWHERE or not text:
            continue
        *sections, last = name.split("__")
        inner = values
        for section in sections:
            inner = inner.setdefault(section, {})
        inner[last] = text.split(",") if name in LISTS else text
    if (collector := _collector(environ)) is not None:
        values.setdefault("telemetry", {}).setdefault("otlp_endpoint", collector)
    return values


def _collector(environ: Mapping[str, str]) -> str | None:
    """Where OpenTelemetry's own variables say that traces go."""
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or environ.get("OTEL_TRACES_EXPORTER") == "none":
        return None
    base = environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "").rstrip("/")
    return environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or (f"{base}/v1/traces" if base else None)
