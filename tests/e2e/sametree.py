#!/usr/bin/python3
# sametree.py: are two trees the same in everything that a backup must keep?
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors
"""usage: sametree.py [-b] [-T] [-x NAME]... A B

Compares what stands below two folders, and the folders themselves: names,
types, owners, modes, modification times to the nanosecond, sizes, contents,
symbolic links, device numbers, hard-link groups, ACLs and extended
attributes, and that a file with holes in A takes no more room in B.

  -b       only what is below A and B: not the two folders themselves
  -T       leave directories' times out
  -x NAME  leave out entries of this name, wherever they are

Prints one line for each difference (at most 50).  Exit status: 0 the same,
1 different, 2 trouble."""

import getopt
import os
import stat
import sys

MOST = 50
SLACK = 64 * 1024           # bytes: what block sizes may add to a file


class Tree:
    def __init__(self, top, without):
        self.top = os.fsencode(top)
        self.without = without
        self.stats = {}
        self.links = {}     # (dev, ino) -> names
        self.walk(b".")

    def path(self, name):
        return os.path.join(self.top, name)

    def walk(self, name):
        st = os.lstat(self.path(name))
        self.stats[name] = st
        if not stat.S_ISDIR(st.st_mode):
            self.links.setdefault((st.st_dev, st.st_ino), []).append(name)
            return
        for entry in sorted(os.listdir(self.path(name))):
            if entry not in self.without:
                self.walk(os.path.join(name, entry))

    def group(self, name):
        st = self.stats[name]
        return sorted(self.links.get((st.st_dev, st.st_ino), [name]))

    def xattrs(self, name):
        path = self.path(name)
        return {k: os.getxattr(path, k, follow_symlinks=False)
                for k in os.listxattr(path, follow_symlinks=False)
                if not k.startswith("trusted.SGI_ACL_")}    # XFS: ACLs again


def same_content(a, b):
    with open(a, "rb") as fa, open(b, "rb") as fb:
        while True:
            x, y = fa.read(1 << 20), fb.read(1 << 20)
            if x != y:
                return False
            if not x:
                return True


def differences(a, b, name, dir_times):
    """Yield what differs between the two entries of one name."""
    x, y = a.stats[name], b.stats[name]
    if stat.S_IFMT(x.st_mode) != stat.S_IFMT(y.st_mode):
        yield "type: %o, %o" % (stat.S_IFMT(x.st_mode),
                                stat.S_IFMT(y.st_mode))
        return
    if x.st_mode != y.st_mode:
        yield "mode: %o, %o" % (x.st_mode, y.st_mode)
    if (x.st_uid, x.st_gid) != (y.st_uid, y.st_gid):
        yield "owner: %d:%d, %d:%d" % (x.st_uid, x.st_gid,
                                       y.st_uid, y.st_gid)
    if x.st_mtime_ns != y.st_mtime_ns and (
            dir_times or not stat.S_ISDIR(x.st_mode)):
        yield "mtime: %d, %d ns" % (x.st_mtime_ns, y.st_mtime_ns)
    if a.xattrs(name) != b.xattrs(name):
        yield "xattrs: %s, %s" % (a.xattrs(name), b.xattrs(name))
    if a.group(name) != b.group(name):
        yield "hard links: %s, %s" % (a.group(name), b.group(name))
    if stat.S_ISLNK(x.st_mode):
        if os.readlink(a.path(name)) != os.readlink(b.path(name)):
            yield "symbolic link: %s, %s" % (os.readlink(a.path(name)),
                                             os.readlink(b.path(name)))
    elif stat.S_ISCHR(x.st_mode) or stat.S_ISBLK(x.st_mode):
        if x.st_rdev != y.st_rdev:
            yield "device: %x, %x" % (x.st_rdev, y.st_rdev)
    elif stat.S_ISREG(x.st_mode):
        if x.st_size != y.st_size:
            yield "size: %d, %d" % (x.st_size, y.st_size)
        elif not same_content(a.path(name), b.path(name)):
            yield "content"
        room_a, room_b = x.st_blocks * 512, y.st_blocks * 512
        if room_a < x.st_size and room_b > room_a + room_a // 8 + SLACK:
            yield "holes: takes %d bytes, %d bytes" % (room_a, room_b)


def compare(a, b, below, dir_times):
    for name in sorted(a.stats.keys() | b.stats.keys()):
        if below and name == b".":
            continue
        if name not in b.stats:
            yield name, "only in the first"
        elif name not in a.stats:
            yield name, "only in the second"
        else:
            for text in differences(a, b, name, dir_times):
                yield name, text


def main():
    try:
        opts, args = getopt.getopt(sys.argv[1:], "bTx:")
    except getopt.GetoptError as e:
        sys.exit("%s\n%s" % (e, __doc__))
    if len(args) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    names = [o for o, _ in opts]
    without = {os.fsencode(v) for o, v in opts if o == "-x"}
    try:
        a, b = Tree(args[0], without), Tree(args[1], without)
        found = 0
        for name, text in compare(a, b, "-b" in names, "-T" not in names):
            found += 1
            if found <= MOST:
                print("%s: %s" % (ascii(os.fsdecode(name)), text))
        if found > MOST:
            print("and %d more" % (found - MOST))
    except OSError as e:
        print("sametree: %s" % e, file=sys.stderr)
        return 2
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
