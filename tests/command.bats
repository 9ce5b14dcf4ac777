# command.bats: the command as a user meets it: the main path on small data, and all that can go
# wrong. Exit codes: 0 ok, 2 usage, 3 bad data, 4 bad model file, 6 I/O, 130 interrupted.

setup() {
    cd "$BATS_TEST_TMPDIR"
}

refused() { # code, text that the message must hold, command...
    local code=$1 text=$2
    shift 2
    run "$@"
    echo "$output"
    [ "$status" -eq "$code" ]
    [[ "$output" == *"$text"* ]]
    [ "${#lines[@]}" -le 3 ]
}

pictures() { # folder, classes, pictures of each: PNGs of two-valued noise, one pattern for a class
    python3 - "$@" <<'PY'
import os, random, struct, sys, zlib
folder, classes, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
def chunk(t, d): return struct.pack(">I", len(d)) + t + d + struct.pack(">I", zlib.crc32(t + d))
for c in range(classes):
    os.makedirs(f"{folder}/class{c}", exist_ok=True)
    for k in range(count):
        r = random.Random(c)
        rows = [[255 if r.random() < 0.8 else 0 for _ in range(20)] for _ in range(20)]
        rows[k % 20][k % 20] ^= 255
        raw = b"".join(b"\0" + bytes(row) for row in rows)
        with open(f"{folder}/class{c}/{k}.png", "wb") as f:
            f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 20, 20, 8, 0, 0, 0, 0))
                    + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b""))
PY
}

small_learner() { # the file; 3 classes of 1 shot
    pictures family 6 6
    "$T2M" train family -o "$1" --method protonet --structure conv4:4 --ways 3 --queries 2 \
        --image-size 16 --steps 3 --validation-tasks 2 2>/dev/null
}

row_learner() {
    "$T2M" train builtin:line -o "$1" --method ridge --structure linear --steps 20 2>/dev/null
}

@test "help and version" {
    run "$T2M" --help
    [ "$status" -eq 0 ]
    [[ "$output" == *"t2m build"* ]]
    for verb in train build predict eval info; do
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

@test "bad pictures" {
    small_learner l
    mkdir empty
    refused 3 "is empty" "$T2M" build l empty -o m
    pictures one 1 3
    refused 3 "at least two" "$T2M" build l one -o m
    pictures shots 3 1
    head -c 60 shots/class1/0.png > cut && mv cut shots/class1/0.png
    refused 3 "class1/0.png': the PNG is cut off" "$T2M" build l shots -o m
    echo "I am text" > shots/class1/0.png
    refused 3 "neither PNG nor JPEG" "$T2M" build l shots -o m
    python3 - > shots/class1/0.png <<'PY'
import struct, sys, zlib
def chunk(t, d): return struct.pack(">I", len(d)) + t + d + struct.pack(">I", zlib.crc32(t + d))
sys.stdout.buffer.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 30000, 30000, 8, 0, 0, 0, 0))
    + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b""))
PY
    refused 3 "30000 x 30000" "$T2M" build l shots -o m
    echo x > shots/class1/notes.txt && rm shots/class1/0.png
    refused 3 "notes.txt" "$T2M" build l shots -o m
    [ ! -e m ]
}

@test "bad zips" {
    small_learner l
    python3 - <<'PY'
import zipfile
with zipfile.ZipFile("dots.zip", "w") as z: z.writestr("../x.png", b"1")
with zipfile.ZipFile("bomb.zip", "w", zipfile.ZIP_DEFLATED) as z: z.writestr("a/x.png", bytes(8 << 20))
PY
    refused 3 "leads out of the archive" "$T2M" build l dots.zip -o m
    refused 3 "200 times" "$T2M" build l bomb.zip -o m
    echo nothing > text.zip
    refused 3 "not a good zip" "$T2M" build l text.zip -o m
}

@test "bad tables" {
    row_learner l
    printf 'z,y\n1,2\n' > t.csv
    refused 3 "no column 'x'" "$T2M" build l t.csv -o m
    printf 'x,y\n1,2\nabc,3\n' > t.csv
    refused 3 "t.csv: line 3, column 'x': 'abc' is not a number" "$T2M" build l t.csv -o m
    printf 'x,y\n1,2\n3\n' > t.csv
    refused 3 "line 3: 1 fields, but the header has 2" "$T2M" build l t.csv -o m
    printf 'x,y\n1,nan\n' > t.csv
    refused 3 "'nan' is not a number" "$T2M" build l t.csv -o m
    printf 'x,y\n' > t.csv
    refused 3 "no rows" "$T2M" build l t.csv -o m
    refused 6 "No such file" "$T2M" build l nowhere.csv -o m
    refused 2 "no column" "$T2M" build l t.csv -o m --target q || [ "$status" -eq 3 ]
}

@test "too few classes or examples" {
    pictures family 4 3
    refused 3 "fewer than --ways 5" "$T2M" train family -o l --image-size 16
    refused 3 "fewer than 1 shots + 15 queries" "$T2M" train family -o l --ways 3 --image-size 16
    refused 2 "unknown method" "$T2M" train family -o l --method magic
    refused 2 "unknown structure" "$T2M" train family -o l --structure magic
    refused 2 "-o FILE is missing" "$T2M" train family
    [ ! -e l ] && [ ! -e l.run ]
}

@test "a learner of another kind, and files of another kind" {
    small_learner pictures_learner
    row_learner row_learner
    printf 'x,y\n1,2\n' > t.csv
    refused 3 "is for pictures" "$T2M" build pictures_learner t.csv -o m
    pictures shots 3 1
    refused 3 "is for rows" "$T2M" build row_learner shots -o m
    refused 4 "it is a learner" "$T2M" predict row_learner t.csv
    "$T2M" build row_learner t.csv -o m
    refused 4 "it is a model" "$T2M" build m t.csv -o n
    echo no > text
    refused 4 "shorter than 8 bytes" "$T2M" build text t.csv -o n
}

@test "a damaged learner is refused, wherever it is cut or flipped" {
    row_learner l
    python3 - "$T2M" <<'PY'
import os, subprocess, sys
data = open("l", "rb").read()
open("t.csv", "w").write("x,y\n1,2\n")
header = 8 + int.from_bytes(data[:8], "little")
places = list(range(0, header, max(1, header // 60)))
for n in list(range(0, len(data), max(1, len(data) // 40))):
    open("cut", "wb").write(data[:n])
    r = subprocess.run([sys.argv[1], "build", "cut", "t.csv", "-o", "m"], capture_output=True)
    assert r.returncode == 4, (n, r)
for at in places + [len(data) - 3]:
    for bit in (0, 6):
        bad = bytearray(data)
        bad[at] ^= 1 << bit
        open("bad", "wb").write(bad)
        r = subprocess.run([sys.argv[1], "build", "bad", "t.csv", "-o", "m"], capture_output=True)
        assert r.returncode == 4, (at, bit, r)
assert not os.path.exists("m")
PY
}

@test "an output that exists, no permission, a full disk" {
    row_learner l
    printf 'x,y\n1,2\n' > t.csv
    echo mine > m
    refused 2 "exists" "$T2M" build l t.csv -o m
    [ "$(cat m)" = mine ]
    "$T2M" build l t.csv -o m --force
    refused 2 "--resume" "$T2M" train builtin:line -o l --steps 2
    refused 6 "cannot create" "$T2M" build l t.csv -o nowhere/m
    if [ "$(id -u)" -ne 0 ]; then
        mkdir closed && chmod 500 closed
        refused 6 "Permission denied" "$T2M" build l t.csv -o closed/m
    fi
    [ -e /dev/full ] || skip "no /dev/full"
    run bash -c "'$T2M' info l > /dev/full"
    [ "$status" -eq 6 ]
}

@test "interrupted training is saved and goes on to the same bytes" {
    local how=(train builtin:sinusoid --method maml --structure mlp:8 --steps 4000 --validation-tasks 5)
    "$T2M" "${how[@]}" -o whole 2>/dev/null
    "$T2M" "${how[@]}" -o parts 2>/dev/null >/dev/null &
    local pid=$!
    for _ in $(seq 600); do
        [ -e parts.run/log.jsonl ] || [ -e parts ] && break
        sleep 0.05
    done
    kill -INT $pid || true
    wait $pid || true
    if [ ! -e parts ]; then
        [ -e parts.run/last ]
        "$T2M" "${how[@]}" -o parts --resume 2>/dev/null
    fi
    cmp whole parts
}

@test "the same bytes for any number of threads" {
    for n in 1 2 4; do
        "$T2M" train builtin:line --method hyper --structure linear --steps 30 --threads $n -o l$n 2>/dev/null
    done
    cmp l1 l2
    cmp l1 l4
}
