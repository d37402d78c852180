"""The installed library, copied so that it trusts our root instead of WhatsApp's; and the dictionary it abbreviates words with."""

import importlib.util
import shutil
import struct
from functools import cache
from pathlib import Path

# the key that signs the certificates of WhatsApp's Noise servers, as the library carries it
ROOT = bytes.fromhex("142375574d0a587166aae71ebe516437c4a28b73e3695c6ce1f7f9545da8ee6b")
RELATIVE = {8, 1027}  # relocation: the address of something in the same file (x86-64, ARM)
STRING = struct.Struct("<QQ")  # a string in Go: where and how long


def installed():
    found = importlib.util.find_spec("neonize")
    return Path(found.submodule_search_locations[0]) if found else None


def binary(package):
    return next(package.glob("neonize-*.so"))


def copy_that_trusts(root, folder):
    """A folder for PYTHONPATH."""
    shutil.copytree(installed(), folder / "neonize", ignore=shutil.ignore_patterns("__pycache__"))
    library = binary(folder / "neonize")
    content = library.read_bytes()
    if content.count(ROOT) != 1:
        raise ValueError("this library does not carry the root it is known by: the peer has to be looked at again")
    library.write_bytes(content.replace(ROOT, root))
    return folder


@cache
def dictionary():
    """The words of one byte, read from the table of strings that the library was linked with."""
    content = binary(installed()).read_bytes()
    sections = list(_sections(content))
    addresses = dict(_relocations(content, sections))

    def word(at):
        size = STRING.unpack_from(content, _in_file(at, sections))[1]
        start = _in_file(addresses[at], sections) if at in addresses else 0
        return content[start : start + size].decode()

    first = next(
        at for at, to in addresses.items() if content.startswith(b"xmlstreamstart", _in_file(to, sections)) and word(at) == "xmlstreamstart"
    )
    return ["", *(word(first + STRING.size * number) for number in range(235))]


def _sections(content):
    (table,), (size, count) = struct.unpack_from("<Q", content, 0x28), struct.unpack_from("<HH", content, 0x3A)
    for number in range(count):
        yield struct.unpack_from("<IIQQQQIIQQ", content, table + number * size)


def _relocations(content, sections):
    for section in sections:
        if section[1] == 4:  # with addends
            for at, info, addend in struct.iter_unpack("<QQq", content[section[4] : section[4] + section[5]]):
                if info in RELATIVE:
                    yield at, addend


def _in_file(address, sections):
    return next((address - one[3] + one[4] for one in sections if one[1] != 8 and one[3] and one[3] <= address < one[3] + one[5]), -1)
