#!/usr/bin/python3
# spoil.py LEDGER: promise of one block a round that was never written, so that
# aoesoak has something to find.
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors
import struct
import sys

HEAD = 7 * 8                # struct ledger of aoesoak.c, before its blocks

with open(sys.argv[1], "r+b") as ledger:
    promises = ledger.read()[HEAD:]
    for block, (sent, acked) in enumerate(struct.iter_unpack("II", promises)):
        if acked > 0:
            # As if the last write had been acknowledged and dropped.
            ledger.seek(HEAD + 8 * block)
            ledger.write(struct.pack("II", sent + 1, sent + 1))
            sys.exit(0)
sys.exit("nothing was acknowledged")
