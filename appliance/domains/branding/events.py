from dataclasses import dataclass


@dataclass(frozen=True)
class BrandChanged:
    """What this organisation's people see looks different now: its own brand changed, or the box's."""
