#!/bin/bash
# dissect.sh FOLDER: the captures of a run of the tests, as aoecapture made them:
# every frame must be one of AoE's to tshark, and none malformed.  One TAP line.
#
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors
set -u
what='tshark finds nothing malformed in what aoed sent during all tests'
if ! command -v mergecap >/dev/null; then
	echo "ok $what # skip tshark is not installed"
	exit 0
fi
all=$1/all
# A capture of nothing is only a head.
find "$1" -name '*.pcap' -size -25c -delete
if ! why=$(mergecap -a -w "$all" "$1"/*.pcap 2>&1); then
	echo "not ok $what"
	printf '# %s\n' "$why"
	find "$1" -name '*.pcap' -exec sh -c \
	    'capinfos -E "$1" >/dev/null 2>&1 || echo "# unreadable: $1"' - {} \;
	exit 1
fi
# show FILTER: the frames that it fits.
show() {
	tshark -n -r "$all" -Y "$1" 2>/dev/null
}
bad=$(show '_ws.malformed || !aoe || aoe.version != 1 || aoe.response != 1 || frame.len < 60')
n=$(show aoe | wc -l)
if [ -n "$bad" ] || [ "$n" = 0 ]; then
	echo "not ok $what ($n kinds of frames)"
	echo "$bad" | head -n 20 | sed 's/^/# /'
	exit 1
fi
echo "ok $what ($n kinds of frames)"
