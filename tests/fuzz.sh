#!/bin/bash
# fuzz.sh FUZZER...: run each for $FUZZ_TIME seconds, from its seed corpus in
# tests/fuzz/corpus/NAME and its dictionary tests/fuzz/NAME.dict.
set -u
cd "$(dirname "$0")/.." || exit 1
passed=0
failed=0
for f in "$@"; do
	name=${f##*/fuzz_}
	mkdir -p "build/fuzz/corpus/$name" "tests/fuzz/corpus/$name"
	dict=()
	[ -f "tests/fuzz/$name.dict" ] && dict=("-dict=tests/fuzz/$name.dict")
	log=build/fuzz/$name.log
	if "$f" -max_total_time="${FUZZ_TIME:-60}" -timeout=10 \
	    -rss_limit_mb=2048 -artifact_prefix="build/fuzz/$name-" \
	    "${dict[@]}" "build/fuzz/corpus/$name" \
	    "tests/fuzz/corpus/$name" >"$log" 2>&1; then
		echo "ok $name: $(grep -Eo 'Done [0-9]+ runs' "$log")"
		passed=$((passed + 1))
	else
		echo "not ok $name"
		tail -n 30 "$log"
		failed=$((failed + 1))
	fi
done
echo "fuzz: $passed passed, $failed failed"
[ "$failed" = 0 ]
