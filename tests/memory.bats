# memory.bats: t2m train --max-memory: what is done to keep to it, and that it changes no bit.

load helpers

setup() {
    [ -z "${T2M_SANITIZED:-}" ] || skip "in the release build"
    cd "$BATS_TEST_TMPDIR"
    pictures family 6 12
}

training() { # options...: a meta-step of two tasks that keeps some 70 MiB for each
    "$T2M" train family --method maml --structure conv4:32 --inner-steps 3 --ways 3 --shots 2 --queries 10 \
        --image-size 64 --meta-batch 2 --validation-tasks 2 --threads 2 "$@"
}

bytes() { # options of a dry run
    training --dry-run --json "$@" 2>/dev/null | field "d['data']['memory']"
}

taken() { # file for the learner, options...: MiB that the process took, as the system saw it
    python3 - "$T2M" "$@" <<'PY'
import resource, subprocess, sys
command = [sys.argv[1], *"train family --method maml --structure conv4:32 --inner-steps 3 --ways 3 --shots 2 --queries 10 "
           "--image-size 64 --meta-batch 2 --validation-tasks 2 --threads 2 --steps 3 -o".split(), *sys.argv[2:]]
subprocess.run(command, check=True, capture_output=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
PY
}

@test "values are computed again, then there are fewer workers, and the bits stay" {
    whole=$(($(bytes) >> 20))
    echo "whole: $whole MiB"
    [ "$(training --dry-run --max-memory 2G | tail -1)" = "to keep to --max-memory: 2 workers, all values kept" ]
    some=$((whole * 3 / 4)) few=$((whole * 46 / 100))
    training --dry-run --max-memory ${some}M | tee said
    tail -1 said | grep -E "^to keep to --max-memory: 2 workers, values computed again, [0-9.]+ % more work$"
    training --dry-run --max-memory ${few}M | tee said
    tail -1 said | grep "^to keep to --max-memory: 1 worker, values computed again"
    taken kept
    for size in $some $few; do
        said=$(($(bytes --max-memory ${size}M) >> 20)) fact=$(taken limited --force --max-memory ${size}M)
        echo "limit $size MiB, said $said, taken $fact"
        [ "$said" -le "$size" ]
        [ "$fact" -le "$size" ]
        [ $((fact * 11)) -ge $((said * 10)) ] && [ $((said * 11)) -ge $((fact * 10)) ]
        cmp kept limited
    done
}

@test "what is too little, and what would be enough" {
    refused 5 "training does not fit in 8 MiB (--max-memory)" training --dry-run --max-memory 8M
    least=$(training --dry-run --max-memory 8M 2>&1 | sed -n 's/.* it takes \([0-9]*\) MiB$/\1/p')
    training --dry-run --max-memory "${least}M" | grep "1 worker, values computed again"
    refused 5 "does not fit" training --dry-run --max-memory $((least * 8 / 10))M
}

@test "the JSON of a dry run says the same" {
    training --dry-run --json --max-memory 2G | python3 -c '
import json, sys
d = json.load(sys.stdin)["data"]
assert d["workers"] == 2 and d["again"] == 0 and d["memory"] > 1e7'
}
