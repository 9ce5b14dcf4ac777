# helpers.bash: what the tests of the command share.

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

png() { # file, width, height: a PNG whose header says so, with no pixels
    python3 - "$@" <<'PY'
import struct, sys, zlib
def chunk(t, d): return struct.pack(">I", len(d)) + t + d + struct.pack(">I", zlib.crc32(t + d))
size = struct.pack(">IIBBBBB", int(sys.argv[2]), int(sys.argv[3]), 8, 0, 0, 0, 0)
open(sys.argv[1], "wb").write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(b""))
                              + chunk(b"IEND", b""))
PY
}

field() { # expression over d, the JSON object on stdin
    python3 -c "import json, sys; d = json.load(sys.stdin); print($1)"
}

texts() { # file, classes, texts of each, number of the first: each class has words of its own among those of all
    python3 - "$@" <<'PY'
import json, random, sys
name, classes, count, first = sys.argv[1], *map(int, sys.argv[2:])
def word(number):
    r = random.Random(number)
    return "".join(r.choice("bdfgklmnprst") + r.choice("aeiou") for _ in range(r.randint(2, 3)))
with open(name, "w") as f:
    for c in range(first, first + classes):
        r = random.Random(c)
        for _ in range(count):
            words = r.sample(range(1000 + 6 * c, 1006 + 6 * c), 2) + r.sample(range(40), 4)
            r.shuffle(words)
            f.write(json.dumps({"text": " ".join(map(word, words)), "label": f"class{c}"}) + "\n")
PY
}

text_learner() { # file, options...; by protonet, unless they say by what
    local file=$1 method="--method protonet"
    shift
    [[ " $* " != *" --method "* ]] || method=
    texts family.jsonl 12 6 100
    "$T2M" train family.jsonl -o "$file" --structure text:200,128,8 --ways 4 --queries 3 --steps 20 --validation-tasks 5 \
        $method "$@" 2>/dev/null
}
