# profile.bats: T2M_PROFILE, where the time of a command goes.

load helpers

good_profile() { # file, threads: the table of steps and the one of threads are there and add up
    python3 - "$@" <<'PY'
import sys
lines = [line.split() for line in open(sys.argv[1])]
steps = lines.index("share % seconds runs us a run GFLOP/s GB/s op shape".split())
threads = lines.index("thread seconds in steps % waiting % other %".split())
rows, each = lines[steps + 1:threads - 1], lines[threads + 1:]
total = lines[threads - 1]
assert total[6:] == ["all"] and abs(float(total[0]) - 100) < 0.01, total
share = [float(row[0]) for row in rows]
assert abs(sum(share) - 100) < 1, share
assert sum(int(row[2]) for row in rows) == int(total[2])
named = [i for i, row in enumerate(rows) if row[6] != "others:"]
assert share[:len(named)] == sorted(share[:len(named)], reverse=True) and len(rows) - len(named) <= 1
assert min(share[:len(named)]) >= 0.4
assert all(float(row[1]) >= 0 and float(row[3]) >= 0 and float(row[5]) >= 0 for row in rows)
assert len(each) == int(sys.argv[2]) and [row[0] for row in each] == [str(i) for i in range(len(each))]
inside = 0
for row in each:
    assert abs(sum(map(float, row[2:])) - 100) < 0.1 and min(map(float, row[2:])) >= 0, row
    inside += float(row[1]) * float(row[2]) / 100
assert abs(inside - float(total[1])) < 0.02 * inside + 0.002, (inside, total)
PY
}

@test "the steps of a training, on one thread and on three" {
    for threads in 1 3; do
        T2M_PROFILE=1 "$T2M" train builtin:sinusoid -o l$threads --method maml --structure mlp:32,32 --steps 100 \
            --validation-tasks 2 --threads $threads 2> said
        cat said
        grep -v "^builtin:" said > table
        good_profile table $threads
        grep -E "^ .* matmul +\[[0-9, ]*\] \[[0-9, ]*\] \[[0-9, ]*\]$" said
        # Adam: one group of a plan that runs once in each of the 100 steps
        awk '$3 == 100 && $7 == "group" && /sqrt/' said | grep .
    done
    cmp l1 l3
}

@test "a product has the arithmetic and the bytes of its shape" {
    T2M_PROFILE=1 "$T2M" train builtin:sinusoid -o l --method maml --structure mlp:64,64 --steps 50 --shots 32 \
        --queries 32 --validation-tasks 2 --threads 1 2> said
    grep "matmul *\[32, 64\] \[32, 64\] \[64, 64\]$" said | head -1 > row
    python3 -c '
row = open("row").read().split()
flops, bytes = 2 * 32 * 64 * 64, 4 * (2 * 32 * 64 + 64 * 64)
rates = [float(row[4]), float(row[5])]  # with a digit after the point
assert abs(rates[0] / rates[1] / (flops / bytes) - 1) < 0.06 / rates[0] + 0.06 / rates[1], row'
}

@test "one task on all threads, pictures" {
    pictures family 6 6
    "$T2M" train family -o l --structure conv4:8 --image-size 16 --ways 3 --queries 2 --steps 2 \
        --validation-tasks 2 2>/dev/null
    pictures shots 3 5
    T2M_PROFILE=1 "$T2M" build l shots -o m --threads 2 2> table
    cat table
    good_profile table 2
    grep "conv2d  *\[" table
}

@test "any command, also one that fails, and nothing unless it is asked for" {
    row_learner l
    T2M_PROFILE=1 "$T2M" info l 2> said >/dev/null
    grep "^thread\|^ thread" said
    run "$T2M" info l
    [[ "$output" != *"share %"* ]]
    T2M_PROFILE=0 "$T2M" info l 2> said >/dev/null
    [ ! -s said ]
    T2M_PROFILE=1 run "$T2M" build l missing.csv -o m
    [ "$status" -eq 3 ] || [ "$status" -eq 6 ]
    [[ "$output" == *"missing.csv"* && "$output" == *"share %"* ]]
}
