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
import time

group = sys.argv[1] if len(sys.argv) > 1 else ''
most = 0
going = True


def stop(*_):
    global going
    going = False


def processes():
    if group:
        with open(f'{group}/cgroup.procs') as f:
            return set(f.read().split())
    return {p for p in os.listdir('/proc') if p.isdigit()}


def high_water(p):
    try:
        with open(f'/proc/{p}/status') as f:
            for line in f:
                if line.startswith('VmHWM:'):
                    return int(line.split()[1])
    except OSError:
        pass
    return 0


signal.signal(signal.SIGTERM, stop)
old = processes() | {str(os.getpid())}
parent = os.getppid()
print(0, flush=True)
# The kernel keeps the high-water mark: only what a process takes in its last
# moments is missed.
while going and os.getppid() == parent:
    for p in processes() - old:
        most = max(most, high_water(p))
    time.sleep(0.1)
print(most, flush=True)
