"""The root key split among people, so that any n of m shares give it back.

SLIP-39: https://github.com/satoshilabs/slips/blob/master/slip-0039.md
"""

from __future__ import annotations

from collections.abc import Sequence

from shamir_mnemonic import MnemonicError, Share, combine_mnemonics, generate_mnemonics

from appliance.core import crypto
from appliance.core.errors import Refused
from appliance.core.i18n import gettext as _

FEWEST_NEEDED = 2
MOST_SHARES = 16  # as many as the format knows


def split(root: bytes, *, threshold: int, shares: int) -> list[str]:
    """Lines of 33 words. Raises Refused for numbers that make no sense."""
    if not FEWEST_NEEDED <= threshold <= shares <= MOST_SHARES:
        raise Refused(_("Choose 2 to %(most)s shares, and how many of them give the key: at least 2.", most=MOST_SHARES))
    made: list[str] = generate_mnemonics(1, [(threshold, shares)], root)[0]
    return made


def join(lines: Sequence[str]) -> bytes:
    """In any order; a share given twice counts once. Raises Refused, saying which share is wrong, or how many are missing."""
    read = [_read(number, line) for number, line in enumerate(lines, 1)]
    if not read:
        raise Refused(_("No share was given."))
    if len({share.group_parameters() for share in read}) > 1:
        raise Refused(_("These shares are of different kits. Take all from one: their first two words are the same."))
    unlike = {share.index: share for share in read}
    needed = read[0].member_threshold
    if len(unlike) < needed:
        raise Refused(_("%(given)s different shares were given, this kit needs %(needed)s.", given=len(unlike), needed=needed))
    try:
        root: bytes = combine_mnemonics([share.mnemonic() for share in list(unlike.values())[:needed]])
    except MnemonicError as err:
        raise Refused(_("These shares do not belong together. Take all from one kit.")) from err
    if len(root) != crypto.KEY_BYTES:
        raise Refused(_("These shares are of another program: they hold a key of another size."))
    return root


def needed_by(lines: Sequence[str]) -> int:
    """How many their kit needs. Raises Refused for one that is wrong."""
    needed: int = [_read(number, line) for number, line in enumerate(lines, 1)][-1].member_threshold
    return needed


def _read(number: int, line: str) -> Share:
    try:
        share = Share.from_mnemonic(line.lower())
    except MnemonicError as err:
        said = _("Share %(number)s has a word that is wrong, missing or out of place. Compare it with the paper.", number=number)
        raise Refused(said) from err
    if share.group_count != 1:
        raise Refused(_("These shares are of another program: they hold a key of another size."))
    return share
