#!/usr/bin/python3
# retain.py: was what a rotation removed to go?
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors
"""usage: retain.py KEEP NOW BEFORE AFTER REMOVED
       retain.py -f KEEP NOW AFTER

BEFORE and AFTER list the snapshots around a run of irsync-rotate with the rule
keep-last = KEEP, as lines "HOST STAMP STATUS STARTED"; NOW is the server's
clock then, or "jumped" if it cannot be told.  What is in the one and not in
the other is appended to REMOVED, and held against rotate.conf(5): a complete snapshot may go only where KEEP newer
complete ones stay, none of them from the future, by its stamp and, where clocks
have jumped, by the clock in the record too; and one that lies in the future by
both may not go.

With -f, after a run that nothing disturbed: is there nothing left that no rule
keeps?  What may be there are the KEEP newest by either clock, one for each hour
by either clock, and what lies in the future.

Prints a line for each fault; exit status 1 if there is any."""

import calendar
import sys
import time

SLACK = 15 * 60             # rotate.conf(5), "Stamps from the future"


class Snapshot:
    def __init__(self, line):
        self.line = line.split()
        self.host, self.stamp, self.status, started = self.line
        self.by = {"stamp": calendar.timegm(
            time.strptime(self.stamp, "%Y-%m-%dT%H%M%SZ")),
            "clock": int(started)}
        self.counts = self.status in ("complete", "vanished")


def read(path):
    with open(path) as f:
        return [Snapshot(line) for line in f if len(line.split()) == 4]


def jumped(snapshots):
    return any(abs(s.by["stamp"] - s.by["clock"]) > SLACK for s in snapshots)


def newer(s, others, which, now):
    return sum(o.counts and s.by[which] < o.by[which] <= now + SLACK
               for o in others)


def wrongly_removed(s, after, keep, now):
    """after: those of the same host that were left."""
    ways = ["stamp", "clock"] if jumped(after + [s]) else ["stamp"]
    here = [w for w in ways if s.by[w] <= now + SLACK]
    if not here:
        return "from the future"
    for w in here:
        if newer(s, after, w, now) < keep:
            return "one of the newest %d by its %s" % (keep, w)
    return None


def judge_removed(keep, now, before, after, removed):
    left = {(s.host, s.stamp) for s in after}
    rc = 0
    with open(removed, "a") as out:
        for s in before:
            if (s.host, s.stamp) in left:
                continue
            print(s.host, s.stamp, file=out)
            why = now and s.counts and wrongly_removed(
                s, [a for a in after if a.host == s.host], keep, now)
            if why:
                print("%s %s was removed: %s" % (s.host, s.stamp, why))
                rc = 1
    return rc


def judge_left(keep, now, after):
    rc = 0
    for host in sorted({s.host for s in after}):
        mine = [s for s in after if s.host == host]
        stay = set()
        for w in ("stamp", "clock"):
            order = sorted((s for s in mine if s.by[w] <= now + SLACK),
                           key=lambda s: s.by[w])
            stay |= {s.stamp for s in order[-keep:]}
            # The last of each hour.
            stay |= set({s.by[w] // 3600: s.stamp for s in order}.values())
            stay |= {s.stamp for s in mine if s.by[w] > now + SLACK}
        for s in mine:
            if s.counts and s.stamp not in stay:
                print("%s %s is still there" % (host, s.stamp))
                rc = 1
    return rc


def main(argv):
    if len(argv) == 6:
        now = 0 if argv[2] == "jumped" else int(argv[2])
        return judge_removed(int(argv[1]), now, read(argv[3]), read(argv[4]),
                             argv[5])
    if len(argv) == 5 and argv[1] == "-f":
        return judge_left(int(argv[2]), int(argv[3]), read(argv[4]))
    sys.exit(__doc__)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
