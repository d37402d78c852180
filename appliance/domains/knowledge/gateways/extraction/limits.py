from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one file may cost. Bytes and seconds."""

    file_bytes: int = 200 * MIB
    expanded_bytes: int = 600 * MIB
    expansion_ratio: int = 250
    text_bytes: int = 64 * MIB
    pages: int = 3000
    ocr_pages: int = 300
    attachment_depth: int = 3
    memory_bytes: int = 2048 * MIB
    cpu_seconds: int = 900
    wall_seconds: float = 1200.0
    temporary_bytes: int = 512 * MIB
    open_files: int = 128
