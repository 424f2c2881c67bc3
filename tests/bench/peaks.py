"""peaks.py: the most memory that processes have had, watched from outside.

The kernel keeps a process's high-water mark until it ends.  So that the last of
it is not missed, the files of those that are known are kept open and read every
few milliseconds; new ones are looked for less often.

SPDX-License-Identifier: ISC
Copyright (c) 2026 The backshelf authors
"""
import os
import time

ROUNDS = 10         # looks at the known ones for one at what is new
PAUSE = 0.005


class Peaks:
    def __init__(self, name=''):
        self.begin = f'Name:\t{name}'.encode()
        self.end = b'\n' if name else b''
        self.files = {}     # pid -> descriptor of its status
        self.one = 0        # KiB: the most that one had
        self.all = 0        # KiB: and all at one time together

    def read(self, pid):
        """KiB, while it runs the program."""
        try:
            text = os.pread(self.files[pid], 4096, 0)
        except OSError:
            return 0
        at = text.find(b'VmHWM:')
        if at == -1 or not text.startswith(self.begin + self.end):
            return 0
        return int(text[at + 6:at + 40].split()[0])

    def look(self, pids):
        """Watch these for a moment, and no others from now on."""
        for pid in set(self.files) - pids:
            os.close(self.files.pop(pid))
        for pid in pids - set(self.files):
            try:
                self.files[pid] = os.open(f'/proc/{pid}/status', os.O_RDONLY)
            except OSError:
                pass
        for _ in range(ROUNDS):
            kib = [self.read(pid) for pid in self.files]
            self.one = max(self.one, *kib, 0)
            self.all = max(self.all, sum(kib))
            time.sleep(PAUSE)
