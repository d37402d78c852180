"""Settings of where files and their backups lie. Secrets stay in the files that are named here."""

import configparser
import ssl
from datetime import timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from appliance.core import i18n
from appliance.core.addresses import is_web_address
from appliance.core.i18n import lazy_gettext as _

_NAME = r"[A-Za-z0-9_-][A-Za-z0-9._-]*"
_KEY_ID, _SECRET = "aws_access_key_id", "aws_secret_access_key"


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FilesSettings(Section):
    """Where the files of people lie: in the data folder's `blobs`, unless a bucket is named."""

    endpoint: str = Field("", description="Address of an S3-compatible store, e.g. https://s3.example.com. Empty: the folder `blobs`.")
    bucket: str = Field("", pattern=r"^[A-Za-z0-9._-]*$", description="Name of the bucket, which has to be there.")
    prefix: str = Field("", pattern=rf"^({_NAME}/)*({_NAME})?$", description="What names begin with there; nothing else may use it.")
    region: str = Field("us-east-1", min_length=1, description="Region that requests are signed for.")
    credentials_file: Path | None = Field(None, description="Keys for the store, in the form of ~/.aws/credentials.")
    ca_file: Path | None = Field(None, description="Certificate of the authority that vouches for a store of your own.")

    @field_validator("endpoint")
    @classmethod
    def _can_be_called(cls, address: str) -> str:
        if address and not is_web_address(address):
            shown = address.rpartition("@")[2]
            raise ValueError(str(_("%(address)s is not the address of a store: http://HOST:PORT or https://HOST.", address=shown)))
        return address.rstrip("/")

    @field_validator("credentials_file")
    @classmethod
    def _holds_keys(cls, file: Path | None) -> Path | None:
        if file is not None:
            _keys_in(file)
        return file

    @field_validator("ca_file")
    @classmethod
    def _vouches(cls, file: Path | None) -> Path | None:
        if file is not None:
            try:
                ssl.create_default_context(cafile=str(file))
            except OSError as err:  # also an SSLError: no certificate in it
                raise ValueError(str(_("The file %(path)s holds no certificate that can be read.", path=file))) from err
        return file

    @model_validator(mode="after")
    def _is_whole(self) -> "FilesSettings":
        if self.endpoint and not (self.bucket and self.credentials_file):
            raise ValueError(str(_("files.endpoint needs files.bucket and files.credentials_file beside it.")))
        if not self.endpoint and self.bucket:
            raise ValueError(str(_("files.bucket needs files.endpoint beside it, also for Amazon: https://s3.REGION.amazonaws.com")))
        return self

    @property
    def keys(self) -> tuple[str, str]:
        """Access key and secret, as they lie in the file now."""
        return _keys_in(self.credentials_file) if self.credentials_file else ("", "")


def _keys_in(file: Path) -> tuple[str, str]:
    found = configparser.ConfigParser(interpolation=None)
    try:
        found.read_string(file.read_text(encoding="utf-8"))
        return found["default"][_KEY_ID], found["default"][_SECRET]
    except OSError as err:
        raise ValueError(str(_("The file %(path)s cannot be read: %(why)s.", path=file, why=i18n.reason_of(err)))) from err
    except (UnicodeDecodeError, configparser.Error, KeyError) as err:
        said = _("%(path)s holds no keys: under [default] it needs aws_access_key_id and aws_secret_access_key.", path=file)
        raise ValueError(str(said)) from err


class BackupTarget(Section):
    """Where backups go."""

    repository: str = Field(description="A folder, sftp:user@host:/folder, or s3:https://host/bucket/folder.")
    mount_point: Path | None = Field(None, description="Folder where the disk or share is mounted; unmounted, nothing is written.")
    identity_file: Path | None = Field(None, description="SSH key for sftp.")
    known_hosts_file: Path | None = Field(None, description="Host key of the SFTP server, in the form of known_hosts.")
    credentials_file: Path | None = Field(None, description="Keys for S3, in the form of ~/.aws/credentials.")
    ca_file: Path | None = Field(None, description="Certificate of the authority that vouches for an S3 server of your own.")


class PointInTimeSettings(Section):
    """On PostgreSQL: its journal (WAL) goes to one target every five minutes, so that a restore can name a time."""

    target: str = Field("", description="Name of the target that holds it. Empty: off.")
    days: int = Field(7, ge=1, le=90, description="How many days back a restore can go.")
    base_h: int = Field(24, ge=1, le=168, description="Hours between copies of the whole database, which journals are applied to.")


class BackupSettings(Section):
    every_h: int = Field(24, ge=1, le=168, description="Hours from one backup to the next.")
    rpo_h: int = Field(26, ge=1, le=744, description="Hours of work you can afford to lose; an older last backup is a warning.")
    keep_last: int = Field(3, ge=1, le=1000, description="Backups that are kept whatever their day.")
    keep_daily: int = Field(7, ge=1, le=366, description="Days of which the last backup is kept.")
    keep_weekly: int = Field(5, ge=0, le=520, description="Weeks of which the last backup is kept.")
    keep_monthly: int = Field(12, ge=0, le=240, description="Months of which the last backup is kept.")
    drill_days: int = Field(30, ge=0, le=366, description="Days from one restore drill to the next. 0: none by itself.")
    timeout_min: int = Field(55, ge=1, le=10080, description="Minutes one step may take when the box starts it by itself.")
    point_in_time: PointInTimeSettings = PointInTimeSettings()
    targets: dict[str, BackupTarget] = Field(
        default_factory=dict, description='By name. As a section: [backup.targets.usb] and below it repository = "/mnt/usb/salesedge".'
    )

    @property
    def longest_kept(self) -> timedelta:
        """Of a backup, by whichever rule keeps it longest, while others follow as planned. Rules count what has a backup, not days."""
        every = timedelta(hours=self.every_h)
        rules = (self.keep_last, 0), (self.keep_daily, 1), (self.keep_weekly, 7), (self.keep_monthly, 31)
        return every + max(number * max(timedelta(days=days), every) for number, days in rules)
