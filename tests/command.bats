# command.bats: the command as a user meets it: the main path on small data, its options, streams and
# signals. What can be wrong with the data is in inputs.bats.

load helpers

@test "help and version" {
    run "$T2M" --help
    [ "$status" -eq 0 ]
    [[ "$output" == *"t2m build"* ]]
    for verb in train build predict eval represent report info; do
        run "$T2M" $verb --help
        [ "$status" -eq 0 ]
        [[ "$output" == *"usage: t2m $verb"* ]]
    done
    refused 2 "no command" "$T2M" frobnicate || [ "$status" -eq 2 ]
    run "$T2M"
    [ "$status" -eq 2 ]
}

@test "pictures: train, build, predict, eval, info" {
    small_learner l
    "$T2M" info l | grep -q "learner by protonet"
    pictures shots 3 1
    "$T2M" build l shots -o m
    pictures new 3 5
    run "$T2M" predict m new/class1/3.png new/class2/4.png
    [ "$status" -eq 0 ]
    [[ "${lines[0]}" == "input,label,probability" ]]
    [[ "${lines[1]}" == new/class1/3.png,class* ]]
    "$T2M" predict m new/class1/3.png --json | python3 -c '
import json, sys
d = json.load(sys.stdin)
assert d["schema"] == "t2m-predict/1" and d["ok"] and len(d["data"]["classes"]) == 3
assert abs(sum(d["data"]["predictions"][0]["probabilities"].values()) - 1) < 1e-4'
    "$T2M" eval l family --tasks 5 --json | python3 -c '
import json, sys
rows = json.load(sys.stdin)["data"]["rows"]
assert [r["name"] for r in rows] == ["scratch", "shared", "wrong-task", "generated", "tuned"]'
    "$T2M" info m --json | grep -q '"file_kind": "model"'
}

@test "pictures in a zip, and several domains" {
    small_learner l
    mkdir both && mv family both/one && cp -r both/one both/two
    python3 -m zipfile -c both.zip both/one both/two
    "$T2M" eval l both.zip --tasks 3 --within-domain
    "$T2M" eval l both --tasks 3
}

@test "rows: train, build, predict" {
    row_learner l
    printf 'x,y\n0,1\n1,3\n2,5\n-1,-1\n-2,-3\n' > points.csv
    "$T2M" build l points.csv -o m
    printf 'x\n3\n4\n' > new.csv
    run "$T2M" predict m new.csv
    [ "$status" -eq 0 ]
    [[ "${lines[0]}" == "row,value,low95,high95" ]]
    python3 -c "assert abs(float('${lines[1]}'.split(',')[1]) - 7) < 0.7"
}

@test "a folder of CSVs and a task column" {
    mkdir many
    for t in 1 2 3; do
        { echo a,b,y; for i in $(seq 12); do echo "$i,$((i * t)),$((i + t))"; done; } > many/$t.csv
    done
    { echo task,a,b,y; for t in p q; do for i in $(seq 12); do echo "$t,$i,$i,$i"; done; done; } > one.csv
    "$T2M" train many one.csv -o l --method ridge --shots 5 --queries 5 --steps 3
    "$T2M" info l | grep -q "rows of 2 columns"
    "$T2M" eval l one.csv --tasks 3 --queries 5 --json | grep -q nrmse
}

@test "the same bytes for any number of threads" {
    for n in 1 2 4; do
        "$T2M" train builtin:line --method hyper --structure linear --steps 30 --threads $n -o l$n 2>/dev/null
    done
    cmp l1 l2
    cmp l1 l4
}

@test "help begins with an example and lists every option" {
    for verb in train build predict eval represent report info; do
        run "$T2M" $verb -h
        [[ "${lines[0]}" == "t2m $verb "* ]]
        [[ "$output" == *"--json"*"--help"* ]]
    done
    run "$T2M" -h
    [[ "${lines[0]}" == "t2m build"* ]]
}

@test "what was perhaps meant" {
    refused 2 "did you mean t2m predict?" "$T2M" predcit
    refused 2 "did you mean t2m train?" "$T2M" trian x
    refused 2 "t2m --help lists the commands" "$T2M" frobnicate
    refused 2 "did you mean --validation-tasks?" "$T2M" train --validation-task 5 x -o l
    refused 2 "did you mean --force?" "$T2M" build --forse x -o l
    refused 2 "did you mean --transductive?" "$T2M" eval x --trans
    refused 2 "lists the options" "$T2M" info --zzzzzzzz
}

@test "numbers out of their range" {
    local bad
    for bad in "--ways 0" "--ways -3" "--ways 65537" "--ways x" "--ways 99999999999" "--shots 0" "--queries -1" \
        "--steps 0" "--meta-batch 0" "--minutes -1" "--minutes nan" "--inner-rate inf" "--meta-rate -1" \
        "--seed -1" "--augment 5" "--image-size 0" "--inner-steps -1" "--eval-steps 1001" "--threads -1" \
        "--threads 257" "--max-memory 1T" "--max-memory -1" "--max-memory 0" "--color pink" "--validation-tasks 0"; do
        run "$T2M" train builtin:line -o l $bad
        echo "$bad: $output"
        [ "$status" -eq 2 ]
        [ "${#lines[@]}" -le 2 ]
    done
    refused 2 "must be from" "$T2M" build --steps 1001 x -o m
    refused 2 "must be from" "$T2M" eval builtin:line --tasks 0
    refused 2 "give one of them" "$T2M" train builtin:line -o l --resume --force
    [ ! -e l ] && [ ! -e l.run ]
}

@test "every error is one JSON object too" {
    row_learner l
    printf 'x,y\n1,z\n' > t.csv
    expect() { # exit code, name, schema, command...
        local code=$1 name=$2 schema=$3
        shift 3
        run bash -c '"$@" 2>/dev/null' -- "$@" --json
        echo "$output"
        [ "$status" -eq "$code" ]
        [ "$(field '[d["schema"], d["ok"], d["error"]["code"], d["error"]["name"], sorted(d["error"])]' <<< "$output")" = \
            "['$schema', False, $code, '$name', ['code', 'hint', 'message', 'name']]" ]
    }
    expect 2 usage t2m/1 "$T2M" frobnicate
    expect 2 usage t2m-train/1 "$T2M" train --frobnicate
    expect 2 usage t2m-build/1 "$T2M" build
    expect 2 usage t2m-build/1 "$T2M" build l t.csv
    expect 3 bad-data t2m-build/1 "$T2M" build l t.csv -o m
    expect 4 bad-model t2m-info/1 "$T2M" info t.csv
    expect 6 io t2m-predict/1 "$T2M" predict nowhere t.csv
    export ASAN_OPTIONS=$ASAN_OPTIONS:allocator_may_return_null=1
    expect 5 out-of-memory t2m-train/1 "$T2M" train builtin:line -o n --structure mlp:4096,4096,4096 --meta-batch 60000
    expect 7 diverged t2m-train/1 "$T2M" train builtin:sinusoid -o n2 --method maml --inner-rate 1000 --inner-steps 30 --steps 5
}

@test "colour only where it is wanted" {
    esc=$'\033'
    run "$T2M" frobnicate
    [[ "$output" != *"$esc"* ]]
    run "$T2M" train --color always --zz
    [[ "$output" == *"$esc"* ]]
    run "$T2M" train --color never --zz
    [[ "$output" != *"$esc"* ]]
    run python3 - "$T2M" <<'PY'
import os, pty, sys
def shown(**change): # stderr is a terminal
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(change)
        os.execv(sys.argv[1], ["t2m", "train", "--zz"])
    text = b""
    try:
        while part := os.read(fd, 1000):
            text += part
    except OSError:
        pass
    os.waitpid(pid, 0)
    return text
assert b"\033" in shown(TERM="xterm"), "a terminal"
assert b"\033" not in shown(TERM="xterm", NO_COLOR="1"), "NO_COLOR"
assert b"\033" not in shown(TERM="dumb"), "dumb"
PY
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "streams: a reader that leaves, closed streams, the standard input" {
    row_learner l
    printf 'x,y\n1,2\n2,4\n' > t.csv
    "$T2M" build l t.csv -o m
    { echo x; seq 20000; } > many.csv
    run bash -c "'$T2M' predict m many.csv 2>err | head -1; exit \${PIPESTATUS[0]}"
    [ "$status" -eq 0 ] || [ "$status" -eq 141 ]
    [ ! -s err ]
    run bash -c "'$T2M' predict m t.csv >&-"
    [ "$status" -eq 6 ]
    run bash -c "'$T2M' build l t.csv -o n >&- 2>&- <&-"
    [ "$status" -eq 6 ]
    cmp m n
    [ "$("$T2M" predict m many.csv)" = "$(cat many.csv | "$T2M" predict m -)" ]
    "$T2M" predict m - --json < t.csv | field 'd["data"]["predictions"][1]' |
        grep "'input': '-', 'row': 2, 'value': .*, 'interval80': None, 'interval95': None"
    refused 3 "line 3" bash -c "printf 'x\n1\nz\n' | '$T2M' predict m -"
}

@test "names with commas and quotes are quoted" {
    small_learner l
    pictures shots 2 1
    mv shots/class0 'shots/a,b "c"'
    "$T2M" build l shots -o m
    "$T2M" predict m 'shots/a,b "c"/0.png' > answer.csv
    python3 - <<'PY'
import csv
rows = list(csv.reader(open("answer.csv")))
assert rows[1][:2] == ['shots/a,b "c"/0.png', 'a,b "c"'], rows
PY
}

@test "JSON is as the interface says" {
    small_learner l
    row_learner r
    printf 'x,y\n1,2\n2,4\n' > t.csv
    pictures shots 3 1
    keys() { field "$1" | tr -d "' "; }
    [ "$("$T2M" eval l family --tasks 3 --json 2>/dev/null | keys '[sorted(d["data"]), sorted(d["data"]["protocol"]), sorted(d["data"]["rows"][0])]')" = \
        "[[family,method,metric,protocol,rows],[queries,rotations,seed,shots,tasks,transductive,ways,within_domain],[bytes,ci95,mean,ms_per_task,name,note]]" ]
    "$T2M" build l shots -o m --json | keys '[sorted(d["data"]), [s["step"] for s in d["data"]["steps"]], sorted(d["data"]["steps"][0])]' |
        grep -F "[[bytes,dropped,method,model,steps,structure],[1,2,3,4,5],[ms,name,note,step]]"
    "$T2M" predict m shots/class0/0.png --json | keys '[sorted(d["data"]), sorted(d["data"]["predictions"][0])]' |
        grep -F "[[classes,kind,predictions],[input,label,probabilities,row]]"
    [ "$("$T2M" info m --json | field 'd["data"]["bytes"]')" -eq "$(wc -c < m)" ]
    for f in l m; do
        "$T2M" info $f --json | keys 'sorted(d["data"])' |
            grep -F "[bytes,classes,file_kind,method,parameters,results,seed,structure]"
    done
    "$T2M" train builtin:line -o n --steps 2 --validation-tasks 2 --json 2>/dev/null | keys 'sorted(d["data"])' |
        grep -F "[best_step,learner,outside,seconds,steps,validation]"
    # a row that makes no sense has a note and no numbers
    "$T2M" train family -o maml --method maml --structure conv4:2 --ways 3 --queries 2 --image-size 16 --steps 1 \
        --validation-tasks 1 2>/dev/null
    "$T2M" eval maml family --tasks 2 --json 2>/dev/null | field '[r for r in d["data"]["rows"] if r["name"] == "shared"][0]' |
        grep "'mean': None, 'ci95': None, 'ms_per_task': None, 'bytes': None, 'note': '"
}

@test "a dry run says what a training takes and writes nothing" {
    run "$T2M" train builtin:line -o l --dry-run
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"MiB of memory"* ]]
    small=$("$T2M" train builtin:line --dry-run --json --structure mlp:8 | field 'd["data"]["memory"]')
    large=$("$T2M" train builtin:line --dry-run --json --structure mlp:1024,1024 | field 'd["data"]["memory"]')
    [ "$large" -gt $((small + 50000000)) ]
    [ -z "$(ls -A)" ]
}

@test "the shipped learner that fits, and its name" {
    refused 6 "with the shipped learner tables" "$T2M" build t.csv -o m
    pictures shots 3 1
    run "$T2M" build shots -o m
    [ "$status" -eq 0 ]
    [[ "$output" == *"with the shipped learner characters"* ]]
    "$T2M" build characters shots -o n
    cmp m n
    mkdir own
    row_learner own/rows.safetensors
    printf 'x,y\n1,2\n2,4\n' > t.csv
    T2M_LEARNERS=$PWD/own run "$T2M" build t.csv -o r
    [ "$status" -eq 0 ]
    [[ "$output" == *"with the shipped learner tables"* ]]
}

@test "progress is a line every ten seconds where there is no terminal" {
    "$T2M" train builtin:line -o l --steps 2000000000 --minutes 0.25 --validation-tasks 2 2> log
    cat log
    [ "$(wc -l < log)" -eq 2 ]
    grep -E "^train [0-9]+/2000000000  [0-9.]+/s  loss .* [0-9.]+ h left" log
}

@test "tasks as vectors, models as vectors" {
    "$T2M" train builtin:line -o l --method t2m --structure mlp:4 --steps 20 2>/dev/null
    python3 -c "
import random
r = random.Random(1)
for i, slope in enumerate((0.5, -1, 1000)): # noisy lines as the training has them, and one that it has not
    with open(f'{i}.csv', 'w') as f:
        rows = [(x, slope * x + r.gauss(0, 0.3)) for x in (r.uniform(-5, 5) for _ in range(10))]
        print('x,y', *(f'{x},{y}' for x, y in rows), sep='\n', file=f)"
    tac 0.csv | sed '$d' | sed '1i x,y' > turned.csv # the same rows, the other way round
    "$T2M" represent l 0.csv turned.csv 1.csv 2.csv -o t.npy --json | python3 -c '
import json, sys
tasks = json.load(sys.stdin)["data"]["tasks"]
assert [t["input"] for t in tasks] == ["0.csv", "turned.csv", "1.csv", "2.csv"]
a, b, c, d = tasks
assert all(abs(x - y) <= 1e-5 * (1 + abs(x)) for x, y in zip(a["t"], b["t"]))
assert max(abs(x - y) for x, y in zip(a["t"], c["t"])) > 0.1
distances = [n["distance"] for n in a["nearest"]]
assert len(set(n["name"] for n in a["nearest"])) == 3 and distances == sorted(distances)
assert not a["unlike"] and d["unlike"] and d["percentile"] == 1, (a, d)
assert " x " in a["nearest"][0]["name"]'
    [ "$(head -c 6 t.npy | tail -c 5)" = NUMPY ]
    refused 2 "exists" "$T2M" represent l 0.csv -o t.npy
    "$T2M" train builtin:line -o plain --method ridge --structure linear --steps 2 2>/dev/null
    refused 2 "makes no task vector" "$T2M" represent plain 0.csv
    refused 2 "makes no task vector" "$T2M" train builtin:line -o q --method maml --represent set
    refused 2 "joined by commas" "$T2M" train builtin:line -o q --method t2m --represent sets
    refused 6 "No such file" "$T2M" represent l nowhere.csv
    "$T2M" build l 0.csv -o m
    "$T2M" info m --vector m.npy
    [ "$(stat -c %s m.npy)" -eq $((128 + 4 * (14 + 4 * 2 + 4 + 1))) ]
    refused 2 "exists" "$T2M" info m --vector m.npy
    refused 2 "is for models" "$T2M" info l --vector v.npy
}

@test "--resume refuses other arguments and other data" {
    pictures family 6 6
    pictures other 7 6
    local how=(--structure conv4:4 --ways 3 --queries 2 --image-size 16 --steps 3 --validation-tasks 2)
    "$T2M" train family -o l "${how[@]}" 2>/dev/null # by protonet
    cp l first
    "$T2M" train family -o l "${how[@]}" --resume 2>/dev/null # with the same: writes the same once more
    cmp l first
    local change
    for change in "--seed 1" "--steps 4" "--ways 4" "--rotations" "--augment 1" "--image-size 20" "--within-domain" \
        "--validation other" "--validation-tasks 3" "--meta-rate 0.1" "--method ridge"; do
        run "$T2M" train family -o l "${how[@]}" $change --resume
        echo "$change: $output"
        [ "$status" -eq 2 ]
        [[ "$output" == *"--resume needs the arguments and the data of the first call"* ]]
    done
    run "$T2M" train other -o l "${how[@]}" --resume
    [ "$status" -eq 2 ]
    mv family/class0 family/class9 # the same images under another name
    run "$T2M" train family -o l "${how[@]}" --resume
    [ "$status" -eq 2 ]
    "$T2M" train builtin:line -o m --steps 2 --validation-tasks 2 2>/dev/null
    refused 2 "--resume needs" "$T2M" train builtin:sinusoid -o m --steps 2 --validation-tasks 2 --resume
    cmp l first
}

@test "several structures: the choice, budgets, and why" {
    "$T2M" train builtin:sine-line --method t2m --structure mlp:8+linear --inner-steps 2 --steps 20 -o several
    "$T2M" info several | grep "linear+mlp:8"
    "$T2M" eval several builtin:sine-line --tasks 8 | grep -E "^structures: linear [0-9.]+ %, mlp:8 [0-9.]+ %$"
    printf 'x,y\n1,2\n2,4\n3,6.1\n4,8\n' > t.csv
    "$T2M" build several t.csv -o m --explain > text
    grep "^the task: 4 examples" text
    grep -E "^  x +2.5 +1.118" text
    grep -E "^[* ] linear " text
    grep -E "^[* ] weights, step 2 " text
    [ "$(grep -c '^\*' text)" -eq 2 ]
    "$T2M" build several t.csv -o m2 --explain --json | field '[d["data"]["structure"], len(d["data"]["explain"]["nearest"]), len(d["data"]["explain"]["stages"]), round(sum(s["weight"] for s in d["data"]["explain"]["structures"]), 5)]' |
        grep -E "3, 6, 1.0"
    "$T2M" build several t.csv -o small --max-bytes 500
    [ "$(wc -c < small)" -le 500 ]
    "$T2M" info small | grep linear
    "$T2M" train builtin:sine-line --method t2m --structure mlp:8 --tune code --inner-steps 2 --steps 4 -o coded
    "$T2M" build coded t.csv -o m4 --explain > text
    grep -E "^[* ] code, step 2 " text
    [ "$(grep -c "weights, step" text)" -eq 0 ]
    run "$T2M" build several t.csv -o none --max-macs 0
    [ "$status" -eq 2 ]
    run "$T2M" build several t.csv -o none --max-bytes 100
    [ "$status" -eq 2 ]
    [[ "$output" == *"linear, the smallest, takes"* ]]
    [ ! -e none ]
    row_learner r
    "$T2M" build r t.csv -o m3 --explain | grep "this learner keeps none"
}

@test "how weights are made, what is tuned, whose units: kept in the learner" {
    for options in "--decode all" "--tune code --inner-steps 1" "--tune weights --inner-steps 2" "--scale-by-task"; do
        "$T2M" train builtin:sine-line --method t2m --structure linear+mlp:8 --steps 4 -o own --force $options
        printf 'x,y\n1,2\n2,4\n3,6.1\n4,8\n' > t.csv
        "$T2M" build own t.csv -o m --force
        "$T2M" predict m t.csv | grep -c '^[1-4],' | grep 4
    done
    "$T2M" info own | grep "by_task=1"
    run "$T2M" train builtin:line --method maml --tune code -o no
    [ "$status" -eq 2 ]
    [[ "$output" == *"of the methods leo and t2m"* ]]
    run "$T2M" train builtin:line --method cavia --decode all -o no
    [ "$status" -eq 2 ]
    run "$T2M" train family --scale-by-task -o no
    [ "$status" -ne 0 ]
    [ ! -e no ]
}
