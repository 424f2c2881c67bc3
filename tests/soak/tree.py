#!/usr/bin/python3
# tree.py: the folder that a soak's client backs up, and what became of it.
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors
"""usage: tree.py change DIR SEED GENERATION
       tree.py meant DIR
       tree.py stored DIR

change  make DIR what it is in this generation: files come, change and go, as
        SEED says; the file GENERATION in it holds the number
meant   print what a restore of DIR would have to bring back, a line for each
        entry: name, type, mode, owner, time, size, contents.  In a store, mode
        and owner are those that rsync's --fake-super has noted
stored  print all that stat(2), the attributes and the contents tell of what
        is below DIR, but for what a new link changes"""

import hashlib
import os
import random
import stat
import sys

FILES = 60
BIG = 2 << 20               # bytes: what makes a push last for a moment


def write(path, dice):
    size = dice.choice([0, 1, 100, 4096, dice.randrange(20000)])
    with open(path, "wb") as f:
        f.write(dice.randbytes(size))


def attributes(path, dice):
    os.chown(path, dice.choice([0, 1000, 64999]), dice.choice([0, 100]),
             follow_symlinks=False)
    if not os.path.islink(path):
        os.chmod(path, dice.choice([0o600, 0o644, 0o755, 0o4755, 0o400]))
    when = dice.randrange(10**18, 17 * 10**17)
    os.utime(path, ns=(when, when), follow_symlinks=False)


def new_file(top, dice):
    folder = os.path.join(top, "d%d" % dice.randrange(6))
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "f%06d" % dice.randrange(10**6))
    if os.path.lexists(path):
        return
    kind = dice.randrange(12)
    if kind == 0:
        os.symlink("nowhere/%d" % dice.randrange(1000), path)
    elif kind == 1:
        os.mkfifo(path)
    else:
        write(path, dice)
    attributes(path, dice)
    if kind == 2:
        os.link(path, path + ".link")


def change(top, seed, generation):
    """A few changes each time; a power of them would trip the guard against
    mass deletions."""
    dice = random.Random("%s %d" % (seed, generation))
    os.makedirs(top, exist_ok=True)
    files = sorted(os.path.join(d, n) for d, _, names in os.walk(top)
                   for n in names if n not in ("GENERATION", "big"))
    for _ in range(max(3, FILES - len(files))):
        new_file(top, dice)
    for path in dice.sample(files, min(4, len(files))):
        what = dice.randrange(4)
        if what == 0 or os.path.islink(path):
            os.unlink(path)
        elif what == 1 and stat.S_ISREG(os.lstat(path).st_mode):
            write(path, dice)
        attributes(path, dice) if os.path.lexists(path) else None
    if generation % 2:
        with open(os.path.join(top, "big"), "wb") as f:
            f.write(dice.randbytes(BIG))
    with open(os.path.join(top, "GENERATION"), "w") as f:
        f.write("%d\n" % generation)
    # No two generations have the same time, to the second.
    os.utime(os.path.join(top, "GENERATION"), (10**9 + generation,) * 2)


def entries(top):
    """All names below top, in one order, top itself as "."."""
    for folder, folders, files in os.walk(top):
        folders.sort()
        yield folder
        for name in sorted(files + [d for d in folders if
                                    os.path.islink(os.path.join(folder, d))]):
            yield os.path.join(folder, name)


def digest(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()[:32]


def fake_super(path, st):
    """What rsync has noted: (mode, uid, gid), or what stat(2) says."""
    try:
        text = os.getxattr(path, "user.rsync.%stat",
                           follow_symlinks=False).decode()
    except OSError:
        return st.st_mode, st.st_uid, st.st_gid
    mode, _, owner = text.split()
    return int(mode, 8), *map(int, owner.split(":"))


def contents(path, st, kind):
    if kind == "l" and stat.S_ISLNK(st.st_mode):
        return hashlib.sha256(os.fsencode(os.readlink(path))).hexdigest()[:32]
    return digest(path) if kind in "fl" else "-"


def meant(top):
    first = {}
    for path in entries(top):
        st = os.lstat(path)
        mode, uid, gid = fake_super(path, st)
        kind = {stat.S_IFREG: "f", stat.S_IFDIR: "d", stat.S_IFLNK: "l",
                stat.S_IFIFO: "p"}.get(stat.S_IFMT(mode), "?")
        name = os.path.relpath(path, top)
        link = "-"
        if kind == "f" and st.st_nlink > 1:
            link = first.setdefault(st.st_ino, name)
        # Links that other snapshots hold are no names of this one.
        yield [name, kind, "%o" % stat.S_IMODE(mode) if kind != "l" else "-",
               uid, gid, st.st_mtime_ns if kind != "l" else "-",
               contents(path, st, kind), link]


def meant_print(top):
    rows = list(meant(top))
    twice = {r[7] for r in rows if r[7] != r[0]}
    for r in rows:
        if r[7] not in twice:
            r[7] = "-"
        print(*r)


def stored_print(top):
    for path in entries(top):
        st = os.lstat(path)
        names = [] if stat.S_ISLNK(st.st_mode) else sorted(os.listxattr(path))
        print(os.path.relpath(path, top), "%o" % st.st_mode, st.st_ino,
              st.st_uid, st.st_gid,
              st.st_size if not stat.S_ISDIR(st.st_mode) else "-",
              st.st_mtime_ns,
              digest(path) if stat.S_ISREG(st.st_mode) else "-",
              [(n, os.getxattr(path, n)) for n in names])


def main(argv):
    if len(argv) == 5 and argv[1] == "change":
        change(argv[2], argv[3], int(argv[4]))
    elif len(argv) == 3 and argv[1] == "meant":
        meant_print(argv[2])
    elif len(argv) == 3 and argv[1] == "stored":
        stored_print(argv[2])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv)
