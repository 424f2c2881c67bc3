#!/usr/bin/env python3
"""most.py [CGROUP]: print "0", then watch every process of the cgroup, or of
the machine, that began since; on SIGTERM print the most memory that any one of
them had, in KiB.

SPDX-License-Identifier: ISC
Copyright (c) 2026 The backshelf authors
"""
import os
import signal
import sys

import peaks

group = sys.argv[1] if len(sys.argv) > 1 else ''
going = True


def stop(*_):
    global going
    going = False


def processes():
    if group:
        with open(f'{group}/cgroup.procs') as f:
            return set(f.read().split())
    return {p for p in os.listdir('/proc') if p.isdigit()}


signal.signal(signal.SIGTERM, stop)
old = processes() | {str(os.getpid())}
parent = os.getppid()
print(0, flush=True)
watched = peaks.Peaks()
while going and os.getppid() == parent:
    watched.look(processes() - old)
print(watched.one, flush=True)
