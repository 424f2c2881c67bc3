#!/usr/bin/env python3
"""source.py FOLDER FILES BYTES: a tree like a server's, always the same one.
source.py --change FOLDER SEED: change one file in a hundred, content and time.

Fifty files to a folder, folders four deep, sizes from a few bytes to some
hundred kilobytes (most are small), times in the past.

SPDX-License-Identifier: ISC
Copyright (c) 2026 The backshelf authors
"""
import os
import random
import sys

PER_FOLDER = 50
OLD = 1500000000


def sizes(rng, files, total):
    """Log-normal, scaled to the total."""
    raw = [rng.lognormvariate(0, 1.6) for _ in range(files)]
    scale = total / sum(raw)
    return [int(x * scale) for x in raw]


def make(top, files, total):
    rng = random.Random(1)
    noise = rng.randbytes(1 << 22)
    folder = None
    for i, size in enumerate(sizes(rng, files, total)):
        n = i // PER_FOLDER
        if i % PER_FOLDER == 0:
            folder = os.path.join(top, f'd{n % 10}', f'd{n // 10 % 10}',
                                  f'd{n // 100 % 10}', f'd{n // 1000}')
            os.makedirs(folder)
        path = os.path.join(folder, f'file-{i}.dat')
        with open(path, 'wb') as f:
            while size > 0:
                at = rng.randrange(1 << 21)
                size -= f.write(noise[at:at + min(size, 1 << 21)])
        os.utime(path, (OLD + i, OLD + i))
    for folder, _, _ in os.walk(top, topdown=False):
        os.utime(folder, (OLD, OLD))


def change(top, seed):
    rng = random.Random(seed)
    for folder, below, names in os.walk(top):
        below.sort()
        for name in sorted(names):
            if rng.randrange(100) == 0:
                path = os.path.join(folder, name)
                with open(path, 'r+b') as f:
                    f.write(rng.randbytes(64))
                os.utime(path, (OLD + seed, OLD + seed + 1000000))


if sys.argv[1] == '--change':
    change(sys.argv[2], int(sys.argv[3]))
else:
    make(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
