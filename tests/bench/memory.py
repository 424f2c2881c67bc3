#!/usr/bin/env python3
"""memory.py PID UID NAME: until process PID has ended, watch the processes of a
user that run NAME; print the most that they had in memory together, in KiB.

SPDX-License-Identifier: ISC
Copyright (c) 2026 The backshelf authors
"""
import os
import sys

import peaks

pid, uid, name = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]


def running(p):
    try:
        with open(f'/proc/{p}/stat') as f:
            return f.read().rsplit(')', 1)[1].split()[0] != 'Z'
    except OSError:
        return False


def is_users(p):
    try:
        return os.stat(f'/proc/{p}').st_uid == uid
    except OSError:
        return False


watched = peaks.Peaks(name)
while running(pid):
    watched.look({p for p in os.listdir('/proc')
                  if p.isdigit() and is_users(p)})
print(watched.all)
