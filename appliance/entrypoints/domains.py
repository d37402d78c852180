"""The domains of this box, in the order they were built. Nothing is discovered: what is not here does not run."""

from appliance.core import housekeeping
from appliance.core.manifest import Manifest

MANIFESTS: tuple[Manifest, ...] = (housekeeping.MANIFEST,)
