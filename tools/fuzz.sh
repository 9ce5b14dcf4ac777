#!/bin/sh
# A minute for each fuzz target, from its corpus; new inputs stay in build/fuzz/corpus.
set -eu
cd "$(dirname "$0")/.."
CC=clang-14 cmake -G Ninja -S . -B build/fuzz -DT2M_FUZZ=ON -DCMAKE_BUILD_TYPE=Debug >/dev/null
for source in fuzz/fuzz_*.c; do
    name=$(basename "$source" .c)
    cmake --build build/fuzz --target "$name"
    mkdir -p "build/fuzz/corpus/$name"
    "build/fuzz/tests/$name" -max_total_time="${SECONDS_EACH:-60}" -rss_limit_mb=2048 -timeout=10 \
        "build/fuzz/corpus/$name" "fuzz/corpus/${name#fuzz_}"
done
