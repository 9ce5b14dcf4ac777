#!/bin/sh
# A minute for each fuzz target, or for those named, from its corpus; SECONDS_EACH sets another time.
# New inputs stay in build/fuzz/corpus; those that reach new code go to fuzz/corpus by hand.
set -eu
cd "$(dirname "$0")/.."
CC=clang-14 cmake -G Ninja -S . -B build/fuzz -DT2M_FUZZ=ON -DCMAKE_BUILD_TYPE=Debug >/dev/null
targets=${*:-$(cd fuzz && ls fuzz_*.c | sed 's/fuzz_\(.*\).c/\1/')}
for name in $targets; do
    cmake --build build/fuzz --target "fuzz_$name"
    mkdir -p "build/fuzz/corpus/$name"
    "build/fuzz/tests/fuzz_$name" -max_total_time="${SECONDS_EACH:-60}" -rss_limit_mb=2048 -timeout=10 \
        -artifact_prefix="build/fuzz/$name-" "build/fuzz/corpus/$name" "fuzz/corpus/$name"
done
