"""Why a connection to WhatsApp is over. By itself, since the child of a number loads little else."""

from enum import IntEnum


class DisconnectReason(IntEnum):
    """Why a connection is over, by the numbers that Baileys made known."""

    LOGGED_OUT = 401
    BANNED_FOR_NOW = 402
    FORBIDDEN = 403
    OUTDATED = 405
    LOST = 408
    MULTIDEVICE_MISMATCH = 411
    CLOSED = 428
    REPLACED = 440
    BAD_SESSION = 500
    UNAVAILABLE = 503
    RESTART_REQUIRED = 515
