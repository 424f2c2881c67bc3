#!/usr/bin/env bats
# irsync.conf(5) knows every key, with its type, unit and default, and its
# EXAMPLES are configurations.

load helpers
load irsync_helpers

setup() {
	setup_tmp
	TOP=$HELPERS_DIR/../..
	MAN=$TOP/irsync/irsync.conf.5
}
teardown() { run_cleanup; }

@test "every key is in the manual, with its type, its unit and its default" {
	run -0 python3 - "$MAN" "$TOP/irsync/"conf*.[ch] <<-'EOT'
	import re, sys
	man = open(sys.argv[1]).read()
	code = ''.join(open(f).read() for f in sys.argv[2:])
	keys = re.findall(r'CFG_(STR|INT|BOOL|STR_LIST|SEC)\("([a-z_]+)"', code)
	items = {}
	for item in re.split(r'^\.It Ic ', man, flags=re.M)[1:]:
	    names, text = item.split('\n', 1)
	    text = re.split(r'^\.(?:El|Sh)$', text, flags=re.M)[0]
	    for name in names.split(' , '):
	        items.setdefault(name, []).append(text)
	types = {'STR': r'Text|Absolute path|Time|The same', 'BOOL': 'Boolean',
	    'STR_LIST': 'List|Text, or a list|The same',
	    'INT': 'Whole number', 'SEC': 'Section|Text, or a list'}
	units = {'bwlimit': 'each second', 'rate': 'each second',
	    'timeout': 'Time', 'hook_timeout': 'seconds if no unit',
	    'retry_pause': 'seconds if no unit', 'retries': 'how often'}
	faults = []
	for kind, key in set(keys):
	    if key in ('location', 'optional'):	# told with their sections
	        if r'.Ic ' + key not in man:
	            faults.append(key + ' is not in the manual')
	        continue
	    for text in items.get(key, ['']):
	        if not re.match(types[kind] + '|as above', text):
	            faults.append(key + ': its type is not ' + kind)
	        if not re.search('Default|Must be set', text):
	            faults.append(key + ': no default')
	    if key in units and units[key] not in ''.join(items.get(key, [])):
	        faults.append(key + ': no unit')
	for key in set(items) - {key for _, key in keys}:
	    faults.append(key + ' is no key')
	print('\n'.join(faults), len(keys))
	sys.exit(bool(faults) or len(keys) < 60)
	EOT
}

@test "its EXAMPLES are configurations" {
	local n
	awk -v dir="$T" '/^.Sh/ { on = /EXAMPLES/ } /^.Ed/ { out = "" }
	    out { gsub(/\\e/, "\\"); print >out }
	    on && /^.Bd/ { out = dir "/" ++n ".conf" }' "$MAN"
	for n in 1 2 3 4; do
		# Then it goes on to look for that storage.
		run -78 "$BIN/irsync" -f "$T/$n.conf" --storage none check
		[ "$output" = "irsync: --storage none: $T/$n.conf knows no storage of this name" ]
	done
	[ ! -e "$T/5.conf" ]
}
