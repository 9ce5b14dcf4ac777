# tables.bats: CSVs of text, dates and missing cells from the command line: training on them, and what
# a learner of tables is given.

load helpers

mixed_table() { # file, delimiter, rows
    python3 - "$@" <<'PY'
import random, sys
name, d, n = sys.argv[1], sys.argv[2], int(sys.argv[3])
r = random.Random(len(name))
with open(name, "w") as f:
    print("id", "colour", "bought", "size", "task", "sold", sep=d, file=f)
    for i in range(n):
        size = "" if i % 7 == 0 else f"{r.random():.3f}"
        print(i, r.choice(["red", "blue", "green"]), f"2024-{i % 12 + 1:02}-{i % 28 + 1:02}", size, i % 3,
              ["yes", "no"][i % 2], sep=d, file=f)
PY
}

kernel_learner() { # file
    "$T2M" train builtin:tables -o "$1" --structure kernel:16,4,4 --meta-batch 1 --steps 2 --validation-tasks 1 2>/dev/null
}

table_learner() { # file
    "$T2M" train builtin:tables -o "$1" --structure linear --meta-batch 1 --steps 1 --validation-tasks 1 2>/dev/null
}

@test "training reads tables of any columns" {
    mkdir many
    mixed_table many/a.csv , 100
    mixed_table many/b.TSV '	' 90
    run "$T2M" train builtin:tables many -o l --structure linear --meta-batch 1 --steps 1 --validation-tasks 1
    [ "$status" -eq 0 ]
    [[ "$output" == *"2 tables and synthetic ones"* ]]
    python3 -m zipfile -c many.zip many/a.csv many/b.TSV
    "$T2M" train many.zip -o z --method tables --structure linear --meta-batch 1 --steps 1 --validation-tasks 1
    refused 3 "a.csv: no column 'nothing'" "$T2M" train many -o n --method tables --ignore nothing
    refused 2 "is no family of tables" "$T2M" train builtin:line -o n --ignore x
    refused 3 "no column is left to learn from beside 'id'" "$T2M" train many -o n --method tables --target id \
        --ignore colour --ignore bought --ignore size --ignore task --ignore sold
    echo 'red,2024-01-01,1' >> many/a.csv
    refused 3 "a.csv: line 102: 3 fields" "$T2M" train many -o n --method tables
    [ ! -e n ]
}

@test "a training does not go on with other columns" {
    mkdir many
    mixed_table many/a.csv , 100
    set -- builtin:tables many -o l --structure linear --meta-batch 1 --validation-tasks 1
    "$T2M" train "$@" --steps 1
    refused 2 "--resume needs the arguments and the data" "$T2M" train "$@" --steps 1 --resume --ignore size
}

@test "what a build says of a table" {
    table_learner l
    mixed_table t.csv ';' 40
    run "$T2M" build l t.csv -o m --ignore task --ignore 'size'
    echo "$output"
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = "t2m: column 'id' is left out: an identifier" ]
    [ "${lines[1]}" = "t2m: column 'size' is left out: ignored" ]
    [ "${lines[2]}" = "t2m: column 'task' is left out: ignored" ]
    [[ "${lines[3]}" == *"40 rows of 6 columns, 2 classes" ]]
    "$T2M" build l t.csv -o m --force --json | field '[x["column"] for x in d["data"]["dropped"]]' | grep -Fx "['id']"
    python3 - <<'PY'
with open("wide.csv", "w") as f:
    print(*(f"c{i}" for i in range(30)), "x", "y", sep=",", file=f)
    for row in range(9):
        print(*[1] * 30, row, row + 0.5, sep=",", file=f)
PY
    run "$T2M" build l wide.csv --steps 65 -o n
    [ ! -e n ]
    [[ "${lines[20]}" == "t2m: so are 10 more columns"* ]]
}

@test "options of tables that do not fit" {
    table_learner l
    row_learner r
    mixed_table t.csv , 40
    refused 2 "give one of them" "$T2M" build l t.csv -o m --classification --regression
    refused 3 "line 2, column 'sold': 'yes' is not a number" "$T2M" build l t.csv -o m --regression
    refused 3 "no column 'size2'; there are: id, colour" "$T2M" build l t.csv -o m --ignore size2
    refused 3 "t.csv: no column 'size2'" "$T2M" build l t.csv -o m --target size2
    refused 2 "the target is among the columns to ignore" "$T2M" build l t.csv -o m --target sold --ignore sold
    refused 3 "is a folder; this learner takes the file of one table" "$T2M" build l . -o m
    refused 2 "is a family" "$T2M" build l builtin:tables -o m
    printf 'x,y\n1,2\n2,4\n' > p.csv
    refused 2 "only with one of tables" "$T2M" build r p.csv -o m --ignore x
    refused 2 "only with one of tables" "$T2M" build r p.csv -o m --classification
    "$T2M" build r p.csv -o m --json | field 'd["data"]["dropped"]' | grep -Fx '[]'
}

@test "a table named .tsv is one" {
    row_learner r
    printf 'x\ty\n1\t2\n2\t4\n' > t.tsv
    printf 'x,y\n1,2\n2,4\n' > t.csv
    "$T2M" build r t.tsv -o a
    "$T2M" build r t.csv -o b
    cmp a b
    "$T2M" predict a t.tsv | cmp - <("$T2M" predict b t.csv)
    mkdir folder && mv t.tsv folder
    "$T2M" build r folder -o c
    cmp a c
}

@test "of shipped learners a table gets the one of tables" {
    mkdir own
    row_learner own/a-rows.safetensors
    mixed_table t.tsv '	' 40
    export T2M_LEARNERS=$PWD/own
    table_learner own/b-tables.safetensors
    run "$T2M" build t.tsv -o m
    [[ "$output" == *"with the shipped learner b-tables"* ]]
    mkdir many && cp t.tsv many
    run "$T2M" build many -o m
    [[ "$output" == *"with the shipped learner a-rows"* ]]
    run "$T2M" build t.tsv # the one argument is the table, not a learner
    [[ "$output" == *"-o FILE is missing"* ]]
}

@test "a learner of tables is measured" {
    table_learner l
    mkdir many
    mixed_table many/a.csv , 100
    mixed_table many/b.csv ';' 90
    "$T2M" eval l many --tasks 8 --json 2>/dev/null > answer
    [ "$(field '[d["data"]["metric"], d["data"]["kind"], d["data"]["protocol"]["ways"], d["data"]["protocol"]["queries"]]' < answer)" = \
        "['accuracy', 'classification', None, None]" ]
    [ "$(field '[r["name"] for r in d["data"]["rows"] if r["mean"] is None]' < answer)" = "['shared', 'wrong-task']" ]
    [ "$(field '[sorted(r)[2] for r in d["data"]["rows"] if r["mean"]]' < answer)" = "['log_loss', 'log_loss', 'log_loss']" ]
    "$T2M" eval l many --tasks 8 --threads 1 | grep -E "^tables on many: classification of tables, up to 256 rows, up to 64 queries, 8 tasks$"
    refused 3 "the target is missing" "$T2M" eval l many --target size
    sed -i 's/no$/0.5/; s/yes$/1.5/' many/a.csv many/b.csv
    "$T2M" eval l many --regression --tasks 4 --shots 20 --queries 20 --json | field 'd["data"]["metric"]' | grep nrmse
    refused 2 "--rotations turns pictures" "$T2M" eval l many --rotations
    refused 2 "leave out --transductive" "$T2M" eval l many --transductive
    refused 2 "4 to 256" "$T2M" eval l many --shots 257
    refused 3 "fewer --shots" "$T2M" eval l many --shots 200
    refused 3 "this learner is for tables of any columns, but 'builtin:line' has rows of numbers" "$T2M" eval l builtin:line
    row_learner r
    refused 3 "this learner is for rows of numbers, but 'builtin:tables' has tables" "$T2M" eval r builtin:tables
}

@test "tables as vectors, and the tasks that they are like" {
    "$T2M" train builtin:tables -o l --structure kernel:9,4,4 --meta-batch 1 --steps 1 --validation-tasks 1 2>/dev/null
    mixed_table t.csv , 40
    { head -1 t.csv; tail -n +2 t.csv | tac; } > turned.csv # the rows the other way round
    "$T2M" represent l t.csv turned.csv --ignore id -o t.npy --json > answer
    python3 - <<'PY'
import json
a, b = json.load(open("answer"))["data"]["tasks"]
assert len(a["t"]) == 64 and any(a["t"])
assert all(abs(x - y) <= 1e-4 * (1 + abs(x)) for x, y in zip(a["t"], b["t"])) # the order of rows does not matter
assert len(a["nearest"]) == 3 and "synthetic table" in a["nearest"][0]["name"] and "columns" in a["nearest"][0]["name"]
assert len(set(n["distance"] for n in a["nearest"])) == 3
assert a["unlike"] in (True, False) and 0 <= a["percentile"] <= 1
PY
    [ "$(field 'd["data"]["tasks"][0]["t"]' < answer)" != "$("$T2M" represent l t.csv --ignore id --ignore size --json | field 'd["data"]["tasks"][0]["t"]')" ]
    "$T2M" build l t.csv -o m --explain > text
    grep "^the task: 40 examples of classes" text
    grep -E "^  colour = green +0" text
    [ "$(grep -c "synthetic table" text)" -eq 3 ]
    grep -E "^\* kernel:40,4,4 " text
    "$T2M" build l t.csv -o m --force --explain --json | field 'len(d["data"]["explain"]["nearest"])' | grep -Fx 3
    table_learner linear
    refused 2 "makes no task vector where the structure is linear" "$T2M" represent linear t.csv
    refused 2 "is a family" "$T2M" represent l t.csv builtin:tables
    "$T2M" build linear t.csv -o m --force --explain | grep "this learner keeps none"
}

@test "columns that are called 0, 1, 2" {
    table_learner l
    printf '0,1,target\n1,5,a\n2,5,b\n3,7,a\n4,7,b\n' > t.csv
    printf '0,1\n1,5\n' > later.csv
    printf '1,5\n2,5\n' > bare.csv
    "$T2M" build l t.csv -o m
    run "$T2M" predict m later.csv
    [ "$status" -eq 0 ]
    [ "${#lines[@]}" -eq 2 ]
    refused 3 "1 of the columns needed is missing: '0'; the first line has only numbers" "$T2M" predict m bare.csv
    [ "${#lines[@]}" -eq 1 ] # and no header of an answer
    refused 3 "line 1: a header line is missing" "$T2M" build l later.csv -o n
    row_learner r
    printf 'x,y\n1,2\n2,4\n' > p.csv
    "$T2M" build r p.csv -o m --force
    refused 3 "no column 'x', which the model needs; the first line has only numbers" "$T2M" predict m bare.csv
}

small_table() { # file
    printf 'size,colour,sold\n1,red,yes\n2,blue,no\n3,green,no\n1.5,red,yes\n2.5,blue,no\n' > "$1"
}

@test "classes from a table to answers" {
    kernel_learner l
    small_table t.csv
    "$T2M" build l t.csv -o m
    run "$T2M" predict m t.csv
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = "row,label,no,yes" ]
    [ "${#lines[@]}" -eq 6 ]
    [[ "${lines[1]}" =~ ^1,(no|yes),0\.[0-9]{4},0\.[0-9]{4}$ ]]
    [ "$("$T2M" predict m - < t.csv)" = "$output" ]
    [ "$("$T2M" predict m t.csv --threads 3)" = "$output" ]
    "$T2M" predict m t.csv --json | field \
        '(sorted(d["data"]["predictions"][4]), d["data"]["classes"], d["data"]["predictions"][4]["row"])' |
        grep -Fx "(['input', 'label', 'probabilities', 'row'], ['no', 'yes'], 5)"
    run "$T2M" info m
    [[ "${lines[0]}" == "model, kernel:5,4,4, built by tables" ]]
    [[ "${lines[2]}" == "  rows of a table into 2 classes: no yes" ]]
    [[ "${lines[3]}" == "  by 'size', 'colour = blue', 'colour = red', 'colour = green'" ]]
    "$T2M" info m --vector v.npy
    "$T2M" info l | grep -Fx '  tables of any columns, classes or values'
    "$T2M" build l t.csv -o m2
    cmp m m2
    "$T2M" build l t.csv -o plain --steps 0
    ! cmp m plain
    refused 2 "tuned by 64 steps at most" "$T2M" build l t.csv -o n --steps 65
}

person_table() { # file, rows
    python3 - "$@" <<'PY'
import random, sys
r = random.Random(sys.argv[1])
slope = r.gauss(5, 2)
with open(sys.argv[1], "w") as f:
    print("day,dose,mood", file=f)
    for i in range(int(sys.argv[2])):
        print(i, f"{r.random():.3f}", f"{slope * i + r.gauss(0, 1):.3f}", sep=",", file=f)
PY
}

@test "a learner is adapted to a family of small tables" {
    kernel_learner l
    mkdir people later
    for i in 1 2 3 4 5 6; do person_table people/$i.csv $((10 + 3 * i)); done
    for i in 7 8; do person_table later/$i.csv 16; done
    run "$T2M" train people -o mine --from l --validation later --steps 3 --meta-batch 2 --validation-tasks 2
    [ "$status" -eq 0 ]
    [[ "$output" == *"6 tables"* ]]
    "$T2M" info mine | grep -F "kernel:16,4,4"
    "$T2M" eval mine later --tasks 8 2>/dev/null | grep -E "regression of tables, up to 256 rows, 8 queries, 8 tasks"
    "$T2M" build mine later/7.csv -o m
    mkdir short
    person_table short/1.csv 7
    refused 3 "the largest table of 'short' has 7 rows; tasks need 8 or more" "$T2M" train short -o n --method tables
}

@test "values from a table to answers" {
    kernel_learner l
    printf 'x,z,y\n1,a,1.5\n2,b,2.5\n3,a,4\n4,b,3\n' > t.csv
    "$T2M" build l t.csv -o m
    run "$T2M" predict m t.csv
    [ "${lines[0]}" = "row,value,low80,high80,low95,high95" ]
    [ "${#lines[@]}" -eq 5 ]
    printf '%s\n' "${lines[@]}" | python3 -c '
import csv, sys
for r in csv.DictReader(sys.stdin):
    low95, low80, v, high80, high95 = (float(r[k]) for k in ("low95", "low80", "value", "high80", "high95"))
    assert low95 <= low80 < v < high80 <= high95, r'
    "$T2M" predict m t.csv --json | field '(len(d["data"]["predictions"][0]["interval95"]), d["data"]["kind"])' |
        grep -Fx "(2, 'regression')"
    "$T2M" info m | grep -F "predicts 'y' from: 'x', 'z = b'"
    "$T2M" build l t.csv -o m2 --target z --ignore x
    [ "$("$T2M" predict m2 t.csv | head -1)" = "row,label,a,b" ]
}
