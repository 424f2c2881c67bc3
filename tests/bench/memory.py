#!/usr/bin/env python3
"""memory.py PID UID NAME: until process PID has ended, watch the processes of a
user that run NAME; print the sum of the most that each had in memory, in KiB.

SPDX-License-Identifier: ISC
Copyright (c) 2026 The backshelf authors
"""
import os
import sys
import time

pid, uid, name = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
most = {}


def look(p):
    try:
        with open(f'/proc/{p}/status') as f:
            st = dict(line.split(':', 1) for line in f)
    except (OSError, ValueError):
        return
    if st['Name'].strip() == name and 'VmHWM' in st and \
            int(st['Uid'].split()[0]) == uid:
        most[p] = int(st['VmHWM'].split()[0])


def running(p):
    try:
        with open(f'/proc/{p}/stat') as f:
            return f.read().rsplit(')', 1)[1].split()[0] != 'Z'
    except OSError:
        return False


while running(pid):
    for p in os.listdir('/proc'):
        if p.isdigit():
            look(p)
    time.sleep(0.01)
print(sum(most.values()))
