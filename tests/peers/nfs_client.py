"""Mounts an NFS share (4.0) by FUSE, for a kernel that has no client: `nfs_client.py PORT FOLDER hard|soft`. For Debian's Python.

As the kernel's: `hard` asks a server that is away until it is back, `soft` tells its reader so after a while. One call at a time.
"""

import ctypes
import errno
import functools
import itertools
import os
import sys
import time
from ctypes import byref, c_char_p, c_long, c_uint64, c_void_p
from ctypes.util import find_library

from fusepy import FUSE, FuseOSError, Operations

ANSWERED_WITHIN_S, SOFT_S, AGAIN_S = 5, 3, 0.1
NANO = 10**9
WRITTEN_AT_ONCE = 3 << 10  # libnfs 4 has room for no more in a call of NFS 4
# what a server says; any other number is one of nobody there, or of one that does not know this client any more
ANSWERS = {errno.ENOENT, errno.EEXIST, errno.ENOTEMPTY, errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EDQUOT, errno.ENOTDIR,
           errno.EISDIR, errno.EROFS, errno.EINVAL, errno.ENAMETOOLONG, errno.EFBIG}  # fmt: skip
STAT = ("dev", "ino", "mode", "nlink", "uid", "gid", "rdev", "size", "blksize", "blocks", "atime", "mtime", "ctime", "atime_ns", "mtime_ns",
        "ctime_ns", "used")  # fmt: skip


class Stat(ctypes.Structure):
    _fields_ = [(name, c_uint64) for name in STAT]


class Entry(ctypes.Structure):
    _fields_ = [("next", c_void_p), ("name", c_char_p)]


class Moment(ctypes.Structure):
    _fields_ = [("seconds", c_long), ("micro", c_long)]


nfs = ctypes.CDLL(find_library("nfs"))
nfs.nfs_init_context.restype = nfs.nfs_parse_url_dir.restype = c_void_p
nfs.nfs_readdir.restype = ctypes.POINTER(Entry)
nfs.nfs_pread.argtypes = nfs.nfs_pwrite.argtypes = [c_void_p, c_void_p, c_uint64, c_uint64, c_char_p]
nfs.nfs_truncate.argtypes = [c_void_p, c_char_p, c_uint64]


class AwayError(Exception):
    pass


def patiently(call):
    """Asked again of a server that does not answer: it may be away, or back and new."""

    @functools.wraps(call)
    def asked(share, *arguments):
        began = time.monotonic()
        while True:
            try:
                share.meet()
                return call(share, *arguments)
            except AwayError:
                share.leave()
            if share.is_soft and time.monotonic() > began + SOFT_S:
                raise FuseOSError(errno.EIO)
            time.sleep(AGAIN_S)

    return asked


class Share(Operations):
    use_ns = True

    def __init__(self, port, how):
        self.port, self.is_soft = port, how == "soft"
        self.context = None
        self.names, self.opened, self.handles = {}, {}, itertools.count(1)  # a file is opened anew with a new server

    def meet(self):
        if self.context is None:
            self.context = c_void_p(nfs.nfs_init_context())
            url = f"nfs://127.0.0.1/share?version=4&nfsport={self.port}&autoreconnect=0&dircache=0"
            nfs.nfs_destroy_url(c_void_p(nfs.nfs_parse_url_dir(self.context, url.encode())))
            nfs.nfs_set_timeout(self.context, ANSWERED_WITHIN_S * 1000)
            if nfs.nfs_mount(self.context, b"127.0.0.1", b"/share") != 0:
                raise AwayError

    def leave(self):
        nfs.nfs_destroy_context(self.context)
        self.context = None
        self.opened.clear()

    def do(self, call, *arguments):
        answer = getattr(nfs, f"nfs_{call}")(self.context, *(one.encode() if isinstance(one, str) else one for one in arguments))
        if answer >= 0:
            return answer
        if -answer in ANSWERS:
            raise FuseOSError(-answer)
        raise AwayError

    def keep(self, path, flags, *how):
        handle, found = next(self.handles), c_void_p()
        self.do("open2" if how else "open", path, flags, *how, byref(found))
        self.names[handle], self.opened[handle] = (path, flags & os.O_ACCMODE), found
        return handle

    def file(self, handle):
        if handle not in self.opened:
            found = c_void_p()
            self.do("open", *self.names[handle], byref(found))
            self.opened[handle] = found
        return self.opened[handle]

    @patiently
    def getattr(self, path, fh=None):
        found = Stat()
        self.do("lstat64", path, byref(found))
        told = {f"st_{name}": getattr(found, name) for name in ("mode", "nlink", "uid", "gid", "size")}
        return told | {f"st_{name}": getattr(found, name) * NANO + getattr(found, f"{name}_ns") for name in ("atime", "mtime", "ctime")}

    @patiently
    def readdir(self, path, fh):
        folder, names = c_void_p(), []
        self.do("opendir", path, byref(folder))
        while entry := nfs.nfs_readdir(self.context, folder):
            names.append(entry.contents.name.decode())
        nfs.nfs_closedir(self.context, folder)
        return names

    @patiently
    def create(self, path, mode, fi=None):
        handle = self.keep(path, os.O_CREAT | os.O_RDWR, mode & 0o7777)
        self.do("utimes", path, _moments())  # until then they are what an exclusive creation is known by
        return handle

    @patiently
    def open(self, path, flags):
        return self.keep(path, flags & os.O_ACCMODE)

    @patiently
    def read(self, path, size, offset, fh):
        room = ctypes.create_string_buffer(size)
        count = self.do("pread", self.file(fh), offset, size, room)
        return room.raw[:count]

    @patiently
    def write(self, path, data, offset, fh):
        for at in range(0, len(data), WRITTEN_AT_ONCE):
            part = data[at : at + WRITTEN_AT_ONCE]
            self.do("pwrite", self.file(fh), offset + at, len(part), part)
        return len(data)

    @patiently
    def fsync(self, path, datasync, fh):
        return self.do("fsync", self.file(fh))

    def release(self, path, fh):
        del self.names[fh]
        if fh in self.opened:
            nfs.nfs_close(self.context, self.opened.pop(fh))

    @patiently
    def truncate(self, path, length, fh=None):
        return self.do("truncate", path, length)

    @patiently
    def mkdir(self, path, mode):
        return self.do("mkdir2", path, mode & 0o7777)

    @patiently
    def rename(self, old, new):
        return self.do("rename", old, new)

    @patiently
    def unlink(self, path):
        return self.do("unlink", path)

    @patiently
    def rmdir(self, path):
        return self.do("rmdir", path)

    @patiently
    def chmod(self, path, mode):
        return self.do("chmod", path, mode & 0o7777)

    @patiently
    def chown(self, path, uid, gid):
        return self.do("chown", path, uid, gid)

    @patiently
    def utimens(self, path, times=None):
        return self.do("utimes", path, _moments(times))


def _moments(times=None):
    return (Moment * 2)(*(Moment(one // NANO, one % NANO // 1000) for one in times or [time.time_ns()] * 2))


if __name__ == "__main__":
    FUSE(Share(int(sys.argv[1]), sys.argv[3]), sys.argv[2], foreground=True, nothreads=True, big_writes=True)
