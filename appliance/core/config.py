"""Every setting of the box: one typed tree, read once at start, passed in. The only reader of the environment."""

import os
import re
from enum import StrEnum
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, FilePath, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from appliance.core import i18n
from appliance.core.addresses import Several, is_dsn, is_machine, is_postgresql, is_web_address, master_of
from appliance.core.i18n import lazy_gettext as _
from appliance.core.storage import BackupSettings, FilesSettings, Section

LEAST_TOKEN = 16  # characters


def _is_root() -> bool:
    return os.geteuid() == 0


def default_home() -> Path:
    named = os.environ.get("SALESEDGE_HOME")
    if named:
        return Path(named)
    return Path("/var/lib/salesedge") if _is_root() else Path.home() / ".local/share/salesedge"


def default_key_file() -> Path:
    return Path("/etc/salesedge/master.key") if _is_root() else Path.home() / ".config/salesedge/master.key"


class NetworkMode(StrEnum):
    SEALED = "sealed"
    ALLOW_LISTED = "allow-listed"
    CONNECTED = "connected"


class ServerSettings(Section):
    host: str = Field("127.0.0.1", description="Address the box listens on. 0.0.0.0 opens it to the network; put TLS in front first.")
    port: int = Field(8080, ge=1, le=65535, description="Port of the pages and the API.")
    public_url: str = Field("", description="Address people type, e.g. https://sales.example.com. Empty: http://host:port.")
    threads: int = Field(16, ge=2, le=128, description="Requests answered at once by one web process.")
    max_body_mb: int = Field(210, ge=1, le=4096, description="Largest upload accepted, in MiB; a body that is no file may have 4.")
    metrics_open: bool = Field(False, description="Let machines other than this one read /metrics.")
    trusted_proxies: int = Field(0, ge=0, le=5, description="How many reverse proxies stand in front and set X-Forwarded-*.")

    @property
    def slow_places(self) -> int:
        """Threads that chat models may hold, and as many that files on their way out may: together they leave some free."""
        return max(1, (self.threads - 1) // 2)


class DatabaseSettings(Section):
    url: str = Field("", description="postgresql+psycopg://app@host/salesedge. Empty: the embedded, encrypted SQLite file.")
    owner_url: str = Field("", description="PostgreSQL role that owns the tables and migrates; the app role must not own them.")
    pool_size: int = Field(20, ge=1, le=200, description="Connections kept per process.")
    statement_timeout_s: int = Field(15, ge=1, le=600, description="A statement that runs longer is cancelled.")
    busy_timeout_s: int = Field(10, ge=1, le=120, description="How long a SQLite writer waits for its turn.")


class RedisSettings(Section):
    url: str = Field(
        "",
        description="redis://, rediss:// (TLS) or unix:// address. Empty: a private Redis on a unix socket, started by `salesedge up`. "
        "With sentinels their master's name stands in place of the machine: redis://mymaster/0.",
    )
    password_file: FilePath | None = Field(None, description="File with the password of Redis, where url names none.")
    sentinels: Several = Field(
        (),
        description='host:port of every Sentinel, as a list or as "a;b", with TLS where url has it. One that differs from url in that, or '
        "that wants a user, is written as an address of its own: rediss://user@host:port.",
    )
    sentinel_password_file: FilePath | None = Field(None, description="File with the password of the sentinels, if they ask for one.")

    @field_validator("password_file", "sentinel_password_file")
    @classmethod
    def _can_be_read(cls, file: Path | None) -> Path | None:
        if file is not None:
            _secrets[file] = _read_secret(file)
        return file

    @field_validator("sentinels")
    @classmethod
    def _lead_to_a_master(cls, sentinels: tuple[str, ...], told: ValidationInfo) -> tuple[str, ...]:
        url = urlsplit(str(told.data.get("url", "")))
        if sentinels and (url.scheme not in {"redis", "rediss"} or not master_of(url)):
            raise ValueError(str(_("With sentinels, redis.url names their master: redis://mymaster/0")))
        for one in sentinels:
            if not is_machine(one if "://" in one else f"redis://{one}"):
                shown = one.rpartition("@")[2]  # what stands before or after may be a password
                raise ValueError(str(_("%(address)s is not the host:port of a sentinel.", address=shown)))
        return sentinels

    @property
    def master(self) -> str:
        """Its name among the sentinels."""
        return master_of(urlsplit(self.url))


_secrets: dict[Path, str] = {}  # as they were when the settings were read: a file may be away when a connection is made anew


def secret_in(file: Path | None) -> str | None:
    if file is None:
        return None
    if file not in _secrets:
        _secrets[file] = _read_secret(file)
    return _secrets[file]


def _read_secret(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError as err:
        raise ValueError(str(_("The password file %(path)s cannot be read: %(why)s.", path=file, why=i18n.reason_of(err)))) from err
    except UnicodeDecodeError as err:
        raise ValueError(str(_("The password file %(path)s holds no text in UTF-8.", path=file))) from err


class KeySettings(Section):
    master_key_file: Path = Field(default_factory=default_key_file, description="32 random bytes, mode 0600, outside the data folder.")
    passphrase_file: Path | None = Field(None, description="File with the passphrase of a box that has such a slot. Empty: asked for.")


class NetworkSettings(Section):
    mode: NetworkMode = Field(NetworkMode.SEALED, description="sealed, allow-listed (only allowed_hosts) or connected (anything public).")
    allowed_hosts: tuple[str, ...] = Field((), description="Host names reachable in allow-listed mode.")
    private_hosts: tuple[str, ...] = Field((), description="Hosts on private addresses the operator vouches for, e.g. an Ollama machine.")
    timeout_s: float = Field(20.0, gt=0, le=300, description="Longest wait for one outbound call.")


class ModelSettings(Section):
    url: str = Field("", description="Address of the model server. Empty: its unix socket in the data folder.")
    listen: str = Field("", pattern=r"^$|:\d+$", description="host:port where this machine's model server serves others. Empty: no other.")
    token_file: FilePath | None = Field(None, description="File with the secret that a model server on a network asks for.")
    chat_engine: Literal["none", "modelserver", "ollama", "openai"] = Field("none", description="Who writes answers. none: the box quotes.")
    chat_model: str = Field("", description="Name of the chat model for the engine above.")
    chat_url: Several = Field(
        (), description='Base address of Ollama or of an OpenAI-compatible server; several with the same model as a list, or as "a;b".'
    )
    chat_api_key_file: FilePath | None = Field(None, description="File with the key for chat_url, when it wants one; one for all.")
    embedding_model: str = Field("minilm-l6-v2-int8", description="Catalogue name of the embedding model.")
    transcription_model: str = Field("", description="Name of the model that writes down speech. Empty: the one that is installed.")
    timeout_s: float = Field(60.0, gt=0, le=600, description="Longest wait for a model.")
    answer_timeout_s: float = Field(
        30.0, gt=0, le=600, description="Longest a chat engine may write at an answer; after that the box quotes."
    )
    threads: int = Field(2, ge=1, le=64, description="CPU threads of the model server.")
    gguf_engine: Literal["xllamacpp", "llama-cpp-python"] = Field(
        "xllamacpp", description="What runs GGUF files in the model server. llama-cpp-python: compiled by you for this machine."
    )
    context_tokens: int = Field(4096, ge=512, le=1_000_000, description="Tokens a chat may be long, question and answer together.")
    parallel_chats: int = Field(2, ge=1, le=64, description="Chats a GGUF model answers at once.")
    max_waiting: int = Field(32, ge=1, le=1000, description="Requests a model lets wait before the model server turns others away.")
    gpu_layers: int = Field(0, ge=-1, le=1000, description="Layers of a GGUF model placed on the GPU. -1: all.")
    idle_unload_s: float = Field(0.0, ge=0, description="Seconds after which an unused model leaves memory. 0: never.")

    @field_validator("chat_url")
    @classmethod
    def _is_asked_once(cls, addresses: tuple[str, ...]) -> tuple[str, ...]:
        found = tuple(dict.fromkeys(filter(None, (one.strip().rstrip("/") for one in addresses))))
        for one in found:
            if not is_web_address(one) or re.search(r"[,;]|://.*://", one):
                shown = one.rpartition("@")[2]  # without a password
                said = _("%(address)s is no address such as http://10.0.0.5:11434; several are a list, or have ; between.", address=shown)
                raise ValueError(str(said))
        return found

    @field_validator("token_file")
    @classmethod
    def _is_no_open_door(cls, file: Path | None) -> Path | None:
        if file is None:
            return None
        try:
            token = file.read_text(encoding="utf-8").strip()
        except OSError as err:
            raise ValueError(str(_("The token file %(path)s cannot be read: %(why)s.", path=file, why=i18n.reason_of(err)))) from err
        if len(token) < LEAST_TOKEN:
            sentence = _("The token file %(path)s holds fewer than %(least)s characters: make one with openssl rand -hex 32.",
                         path=file, least=LEAST_TOKEN)  # fmt: skip
            raise ValueError(str(sentence))
        return file


class WorkerSettings(Section):
    processes: int = Field(2, ge=1, le=64, description="Workers for short jobs.")
    slow_processes: int = Field(
        2, ge=1, le=16, description="Workers for heavy jobs such as reading documents. Voice notes have one of their own."
    )
    slow_memory_mb: int = Field(4096, ge=1024, le=262144, description="Address space one heavy job may take, in MiB.")
    slow_cpu_s: int = Field(7200, ge=60, le=86400, description="Processor time one heavy job may take, over all its threads.")


class KnowledgeSettings(Section):
    vectors_url: str = Field(
        "",
        description="postgresql+psycopg://vectors@host/vectors, a database of its own with pgvector, where vectors lie. "
        "Empty: at the model server. A socket is written ?host=/run/postgresql, for a host has to be named.",
    )
    max_file_mb: int = Field(200, ge=1, le=2048, description="Largest document accepted, in MiB.")
    extraction_timeout_s: int = Field(300, ge=10, le=3600, description="A document that takes longer to read fails.")
    extraction_memory_mb: int = Field(2048, ge=256, le=16384, description="Memory the reading process may take.")
    chunk_tokens: int = Field(500, ge=100, le=2000, description="Size of a chunk in tokens.")
    chunk_overlap: int = Field(50, ge=0, le=400, description="Tokens a chunk repeats from the one before.")

    @field_validator("vectors_url")
    @classmethod
    def _is_a_database(cls, address: str) -> str:
        if address and not is_postgresql(address):
            shown = address.partition("?")[0].rpartition("@")[2]  # what stands before it may be a password
            said = _("%(address)s is not the address of a database such as postgresql+psycopg://vectors@10.0.0.7/vectors.", address=shown)
            raise ValueError(str(said))
        return address


class ChannelSettings(Section):
    graph_url: str = Field("https://graph.facebook.com/v23.0", description="Address of Meta's Graph API, with its version.")
    max_media_mb: int = Field(25, ge=1, le=100, description="Largest file taken from or sent to a contact, in MiB.")
    webhook_max_kb: int = Field(1024, ge=64, le=16384, description="Largest webhook body accepted, in KiB.")
    max_linked_numbers: int = Field(
        20, ge=1, le=200, description="WhatsApp numbers linked by QR at once on this box, of all organisations; each takes about 40 MB."
    )
    voice_minutes: int = Field(
        30, ge=1, le=1440, description="Minutes of recordings that are written down of one conversation in an hour; then a person listens."
    )
    rejected_days: int = Field(7, ge=1, le=90, description="How long webhooks that could not be used are kept.")


class LogSettings(Section):
    level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least severe line that is written.")
    format: Literal["console", "json"] = Field("console", description="console for people, json for collectors.")


class TelemetrySettings(Section):
    otlp_endpoint: str = Field("", description="OpenTelemetry receiver (OTLP/HTTP), e.g. http://127.0.0.1:4318. Empty: no traces.")
    trace_ratio: float = Field(1.0, ge=0, le=1, description="Part of the requests that are traced.")
    logs_endpoint: str = Field(
        "", description="Receiver of log lines (OTLP/HTTP): Loki, e.g. http://127.0.0.1:3100/otlp, or a collector. Empty: none."
    )
    sentry_dsn_file: Path | None = Field(None, description="File with the DSN of the Sentry that is told of errors. Empty: nobody is.")

    @field_validator("otlp_endpoint", "logs_endpoint")
    @classmethod
    def _can_be_called(cls, address: str) -> str:
        if address and not is_web_address(address):
            raise ValueError(str(_("%(address)s is not the address of a receiver: http://HOST:PORT or https://HOST.", address=address)))
        return address

    @property
    def sentry_dsn(self) -> str:
        return self.sentry_dsn_file.read_text(encoding="utf-8").strip() if self.sentry_dsn_file else ""

    @field_validator("sentry_dsn_file")
    @classmethod
    def _holds_a_dsn(cls, file: Path | None) -> Path | None:
        if file is None:
            return None
        try:
            text = file.read_text(encoding="utf-8").strip()
        except OSError as err:
            raise ValueError(str(_("The file %(path)s cannot be read: %(why)s.", path=file, why=i18n.reason_of(err)))) from err
        except UnicodeDecodeError:
            text = ""
        if not is_dsn(text):
            raise ValueError(str(_("%(path)s holds no DSN of a Sentry project: https://KEY@HOST/NUMBER.", path=file)))
        return file


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="SALESEDGE__", env_nested_delimiter="__", extra="forbid", frozen=True)

    home: Path = Field(default_factory=default_home, description="Data folder. SALESEDGE_HOME sets it too.")
    server: ServerSettings = ServerSettings()
    database: DatabaseSettings = DatabaseSettings()
    redis: RedisSettings = RedisSettings()
    keys: KeySettings = KeySettings()
    network: NetworkSettings = NetworkSettings()
    models: ModelSettings = ModelSettings()
    workers: WorkerSettings = WorkerSettings()
    knowledge: KnowledgeSettings = KnowledgeSettings()
    channels: ChannelSettings = ChannelSettings()
    files: FilesSettings = FilesSettings()
    backup: BackupSettings = BackupSettings()
    logs: LogSettings = LogSettings()
    telemetry: TelemetrySettings = TelemetrySettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=config_file())

    @property
    def run_dir(self) -> Path:
        return self.home / "run"

    @property
    def public_url(self) -> str:
        return self.server.public_url.rstrip("/") or f"http://{self.server.host}:{self.server.port}"

    @property
    def database_url(self) -> str:
        return self.database.url or f"sqlite:///{self.home / 'salesedge.db'}"

    @property
    def redis_server(self) -> RedisSettings:
        """With the address of the private one where none is set."""
        return self.redis.model_copy(update={"url": self.redis.url or f"unix://{self.run_dir / 'redis.sock'}"})

    @property
    def modelserver_socket(self) -> Path:
        return self.run_dir / "models.sock"


def credentials_folder() -> Path | None:
    """Where systemd lays what a unit's LoadCredential names; nobody else can read it."""
    named = os.environ.get("CREDENTIALS_DIRECTORY")
    return Path(named) if named else None


def config_file() -> Path:
    named = os.environ.get("SALESEDGE_CONFIG")
    return Path(named) if named else default_home() / "config.toml"


def load_settings() -> Settings:
    """Raises pydantic.ValidationError naming the setting that is wrong, and SettingsError where a variable is no JSON."""
    return Settings()
