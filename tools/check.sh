#!/bin/sh
# All checks, and one line at the end: N passed, M failed.
set -u
cd "$(dirname "$0")/.."
passed=0
failed=0
count() { # name, exit status
    if [ "$2" = 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAILED: $1"; fi
}
tests() { # build folder, cmake options
    folder=$1
    shift
    cmake -G Ninja -S . -B "$folder" "$@" >/dev/null && cmake --build "$folder"
    if [ $? != 0 ]; then count "build of $folder" 1; return; fi
    (cd "$folder" && ctest --output-on-failure -j 2) | tee "$folder/ctest.txt"
    good=$(sed -n 's/.*tests passed, \([0-9]*\) tests failed out of \([0-9]*\).*/\2 \1/p' "$folder/ctest.txt")
    [ -n "$good" ] || { count "tests in $folder" 1; return; }
    set -- $good
    passed=$((passed + $1 - $2))
    failed=$((failed + $2))
}
tests build/release -DCMAKE_BUILD_TYPE=Release
ASAN_OPTIONS=detect_leaks=1 tests build/sanitize -DCMAKE_BUILD_TYPE=Debug -DT2M_SANITIZE=ON
tools/layers
count "layers" $?
clang-format-14 --dry-run -Werror $(find src include tests examples bench fuzz -name '*.[ch]')
count "format" $?
find src -name '*.c' | grep -v kernels_ | xargs -P 2 -n 4 clang-tidy-14 -p build/release --quiet \
    2>/dev/null
count "clang-tidy" $?
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
