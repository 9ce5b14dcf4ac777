# masks.bats: pictures with masks, from training to the masks of new pictures, on small data; what can be wrong with them.

load helpers

pairs() { # folder, number of the first, how many, width, height, classes: images/ and masks/ of squares on noise
    python3 - "$@" <<'PY'
import os, random, struct, sys, zlib
folder, (first, count, width, height, classes) = sys.argv[1], map(int, sys.argv[2:])
ink = [(40, 60, 90), (220, 60, 40), (60, 200, 80)]
def chunk(t, d): return struct.pack(">I", len(d)) + t + d + struct.pack(">I", zlib.crc32(t + d))
def save(name, kind, each, pixels):
    rows = b"".join(b"\0" + bytes(pixels[i * width * each:(i + 1) * width * each]) for i in range(height))
    os.makedirs(os.path.dirname(name), exist_ok=True)
    with open(name, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0))
                + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
for k in range(first, first + count):
    r = random.Random(k)
    ids = [0] * (width * height)
    for c in range(1, classes + 1): # one in each half, or in the whole
        part = width // classes
        left, top = (c - 1) * part + r.randrange(part // 2), r.randrange(height // 2)
        for i in range(top, top + height // 2):
            ids[i * width + left:i * width + left + part // 2] = [c] * (part // 2)
    save(f"{folder}/masks/p{k}.png", 0, 1, ids)
    save(f"{folder}/images/p{k}.png", 2, 3, [min(255, v + r.randrange(30)) for c in ids for v in ink[c]])
PY
}

mask_learner() { # file
    pairs family 100 12 16 16 1
    "$T2M" train family -o "$1" --structure unet:4,8 --image-size 16 --steps 3 --shots 2 --queries 2 --meta-batch 2 \
        --validation-tasks 2 --threads 1 2>/dev/null
}

look() { # file of a PNG: width, height, kind; of a palette its colours, the numbers that occur and how often
    python3 - "$1" <<'PY'
import collections, struct, sys, zlib
data, at, chunks = open(sys.argv[1], "rb").read(), 8, collections.defaultdict(bytes)
while at < len(data):
    n, name = struct.unpack(">I4s", data[at:at + 8])
    chunks[name] += data[at + 8:at + 8 + n]
    at += n + 12
width, height, depth, kind = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
print(width, height, kind, end="")
if kind == 3:
    raw, row = zlib.decompress(chunks[b"IDAT"]), (width * depth + 7) // 8
    lines = [bytearray(raw[i * (row + 1) + 1:(i + 1) * (row + 1)]) for i in range(height)]
    for i in range(height): # the filters of PNG 9.2, for a byte a step
        for k in range(row):
            a, b = lines[i][k - 1] if k else 0, lines[i - 1][k] if i else 0
            c = lines[i - 1][k - 1] if i and k else 0
            p = min((a, b, c), key=lambda v: abs(a + b - c - v))
            lines[i][k] = (lines[i][k] + (0, a, b, (a + b) // 2, p)[raw[i * (row + 1)]]) & 255
    seen = collections.Counter(line[x * depth // 8] >> (8 - depth - x * depth % 8) & (1 << depth) - 1
                               for line in lines for x in range(width))
    print("", chunks[b"PLTE"].hex(), dict(sorted(seen.items())), end="")
print()
PY
}

@test "five pairs make a model; its masks are as large as the pictures and can be read back" {
    mask_learner l
    "$T2M" info l | grep "pictures of 16 x 16 x 3 into masks; trained with up to 2 pictures"
    pairs shots 0 5 37 53 1
    "$T2M" build l shots -o m --explain > said
    grep "5 pictures of 1 class, 16 x 16 x 3" said
    grep -E "^  foreground +5 +0\.[12]" said
    "$T2M" info m | grep "pictures of 16 x 16 x 3 into masks of 1 class: foreground"
    pairs new 20 4 37 53 1
    "$T2M" predict m new/images/*.png --out out > areas
    [ "$(head -1 areas)" = input,class,area ]
    [ "$(wc -l < areas)" -eq 5 ]
    look out/p20.png
    [[ "$(look out/p20.png)" == "37 53 3 000000ffffff"* ]]
    python3 - areas "$(look out/p21.png)" <<'PY'
import ast, csv, sys
area = float(list(csv.DictReader(open(sys.argv[1])))[1]["area"])
seen = ast.literal_eval(sys.argv[2].split(" ", 4)[4])
assert sum(seen.values()) == 37 * 53 and abs(seen.get(1, 0) / (37 * 53) - area) < 1e-4, (seen, area)
assert 0.1 < area < 0.5, area
PY
    mkdir again
    cp -r new/images again/images
    cp -r out again/masks
    "$T2M" build l again -o again.model --explain | grep "^  foreground  *4 "
    "$T2M" predict m new/images/*.png --out one --threads 1 > /dev/null
    "$T2M" predict m new/images/*.png --out four --threads 4 > /dev/null
    diff -r one four
    diff -r one out
}

@test "two classes: the colours of PASCAL VOC, areas, JSON" {
    mask_learner l
    pairs shots 0 5 24 24 2
    printf 'id,name\n1,red\n2,"green, too"\n' > shots/classes.csv
    "$T2M" build l shots -o m
    "$T2M" info m | grep "into masks of 2 classes: red green, too"
    pairs new 20 2 24 24 2
    "$T2M" predict m new/images/*.png --out o/ --overlay --json > answers
    [[ "$(look o/p20.png)" == "24 24 3 000000800000008000 "* ]]
    [ "$(look o/p20.overlay.png)" = "24 24 2" ]
    field '[d["schema"], d["ok"], sorted(d["data"]), d["data"]["kind"]]' < answers |
        grep -F "['t2m-predict/1', True, ['classes', 'kind', 'predictions'], 'segmentation']"
    python3 - answers <<'PY'
import json, os, sys
data = json.load(open(sys.argv[1]))["data"]
assert data["classes"] == ["red", "green, too"]
for p, name in zip(data["predictions"], ["p20", "p21"], strict=True):
    assert p["input"] == f"new/images/{name}.png" and os.path.samefile(p["mask"], f"o/{name}.png")
    assert os.path.exists(p["overlay"]) and list(p["area"]) == data["classes"]
    assert 0 < sum(p["area"].values()) <= 1, p
PY
    "$T2M" predict m new/images/p20.png --json | field 'd["data"]["predictions"][0]["mask"]' | grep None
    "$T2M" predict m new/images/p20.png | grep '^new/images/p20.png,"green, too",0\.'
    "$T2M" predict m - --out stdin < new/images/p20.png | grep '^-,red,0\.'
    cmp stdin/stdin.png o/p20.png
}

@test "what is in the way of masks is told before any is made" {
    mask_learner l
    pairs shots 0 5 16 16 1
    "$T2M" build l shots -o m
    mkdir a b
    cp shots/images/p0.png a/x.png
    cp shots/images/p1.png b/x.png
    refused 2 "'a/x.png' and 'b/x.png' would both go to 'o/x.png'" "$T2M" predict m a/x.png b/x.png --out o
    cp a/x.png a/y.png
    cp a/x.png a/y.overlay.png
    refused 2 "would both go to" "$T2M" predict m a/y.png a/y.overlay.png --out o --overlay
    [ ! -e o ]
    refused 2 "is one of the inputs" "$T2M" predict m a/x.png --out a
    refused 2 "is one of the inputs" "$T2M" predict m a/x.png --out a --force
    "$T2M" predict m a/x.png --out o
    refused 2 "'o/x.png' exists" "$T2M" predict m a/y.png a/x.png --out o
    [ "$(ls o)" = x.png ]
    "$T2M" predict m b/x.png a/y.png --out o --force --overlay
    [ "$(ls o | tr '\n' ' ')" = "x.overlay.png x.png y.overlay.png y.png " ]
    refused 6 "cannot create the folder" "$T2M" predict m a/x.png --out m
    refused 6 "cannot create the folder" "$T2M" predict m a/x.png --out no/such
    refused 2 "--out DIR" "$T2M" predict m a/x.png --overlay
    refused 2 "--reject is for" "$T2M" predict m a/x.png --reject 0.5
    (mkdir letters && cd letters && small_learner ../pictures && pictures shots 3 1)
    "$T2M" build pictures letters/shots -o letter
    refused 2 "for models of pictures with masks" "$T2M" predict letter letters/shots/class0/0.png --out o2
    [ ! -e o2 ]
    refused 2 "this one gives masks" "$T2M" build m shots --add more -o n
    refused 2 "this one gives masks" "$T2M" build m --remove foreground -o n
    refused 3 "this learner is for pictures, but" "$T2M" build pictures shots -o n
    refused 3 "this learner is for pictures with masks, but" "$T2M" build l letters/shots -o n
}

@test "the tasks of the training that a task is like, and a warning if there are none" {
    pairs family 100 40 16 16 1
    mask_learner l
    pairs shots 40 2 16 16 1
    "$T2M" represent l shots > said
    grep "^shots: t of 22 numbers" said
    grep "^  like the tasks of the training: " said
    "$T2M" build l shots -o m --explain > said 2> warned
    [ ! -s warned ]
    grep "^nearest tasks of the training: like them" said
    grep -E "^ +0\.[0-9]+  foreground" said
    python3 - <<'PY' # a class that fills the left half, in the colours of nothing there
import os, struct, zlib
def chunk(t, d): return struct.pack(">I", len(d)) + t + d + struct.pack(">I", zlib.crc32(t + d))
def save(name, kind, row):
    os.makedirs(os.path.dirname(name), exist_ok=True)
    open(name, "wb").write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 16, 16, 8, kind, 0, 0, 0))
                           + chunk(b"IDAT", zlib.compress((b"\0" + bytes(row)) * 16)) + chunk(b"IEND", b""))
save("odd/images/a.png", 2, [0, 255, 0] * 8 + [255, 255, 255] * 8)
save("odd/masks/a.png", 0, [1] * 8 + [0] * 8)
PY
    "$T2M" build l odd -o m --force 2> warned
    grep "^t2m: warning: this task is unlike those of the learner's training; nearest are foreground (.*)\. Check what" warned
    [ "$(wc -l < warned)" -eq 1 ]
    "$T2M" represent l shots odd --json -o t.npy | python3 -c '
import json, sys
like, odd = json.load(sys.stdin)["data"]["tasks"]
assert len(like["t"]) == 22 and not like["unlike"] and odd["unlike"] and odd["percentile"] == 1, (like, odd)
assert [n["name"] for n in like["nearest"]] == ["foreground"], like'
    [ "$(stat -c %s t.npy)" -eq $((128 + 2 * 22 * 4)) ]
}

@test "sets of pictures that do not fit" {
    mask_learner l
    bad() { # text that the message must hold
        refused 3 "$1" "$T2M" build l shots -o m
        [ ! -e m ]
        [ -z "$(find . -name '*.tmp*')" ]
        rm -r shots
        pairs shots 0 5 16 16 1
    }
    pairs shots 0 5 16 16 1
    pairs other 0 1 20 16 1
    cp other/masks/p0.png shots/masks/p2.png
    bad "masks/p2.png': the mask has 20 x 16 pixels, its picture 16 x 16"
    printf 'id,name\n5,five\n' > shots/classes.csv
    bad "masks/p0.png': row"
    rm shots/masks/p3.png
    bad "images/p3.png': a picture without a mask"
    rm shots/images/p3.png
    bad "masks/p3.png': a mask without a picture"
    head -c 50 shots/masks/p1.png > cut && mv cut shots/masks/p1.png
    bad "masks/p1.png': the PNG is cut off"
    head -c 300 shots/images/p1.png > cut && mv cut shots/images/p1.png
    bad "images/p1.png': the PNG is cut off"
    png shots/images/p4.png 10000 6000
    bad "images/p4.png"
    png shots/images/p4.png 10000 7000
    bad "images/p4.png': 10000 x 7000 pixels"
    pairs none 0 5 16 16 0
    refused 3 "no mask has a pixel of a class" "$T2M" build l none -o m
    cp none/masks/p0.png shots/masks/p2.png # one picture without the class is fine
    "$T2M" build l shots -o m --explain | grep "^  foreground  *4 "
}

# A progressive JPEG of 8 x 8 pixels, half red.
progressive="
    /9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERXRTc4UG1RV19iZ2hnPk1xeX
    BkeFxlZ2P/2wBDARESEhgVGC8aGi9jQjhCY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2P/wgARCAAI
    AAgDASIAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAAAAT/xAAVAQEBAAAAAAAAAAAAAAAAAAABAv/aAAwDAQACEAMQAAABjDX/xAAVEAEBAA
    AAAAAAAAAAAAAAAAAAA//aAAgBAQABBQKj/8QAFxEAAwEAAAAAAAAAAAAAAAAAAAEDMv/aAAgBAwEBPwG22f/EABYRAAMAAAAAAAAAAAAAAAAA
    AAADMv/aAAgBAgEBPwFcn//EABUQAQEAAAAAAAAAAAAAAAAAAAAB/9oACAEBAAY/Ao//xAAUEAEAAAAAAAAAAAAAAAAAAAAA/9oACAEBAAE/IR
    //2gAMAwEAAgADAAAAEPf/xAAVEQEBAAAAAAAAAAAAAAAAAACxAP/aAAgBAwEBPxAxf//EABURAQEAAAAAAAAAAAAAAAAAAAAx/9oACAECAQE/
    EIP/xAAVEAEBAAAAAAAAAAAAAAAAAADBAP/aAAgBAQABPxBC/9k=
"

@test "pictures and masks of every kind" {
    local corpus=$BATS_TEST_DIRNAME/../fuzz/corpus/image
    mask_learner l
    pairs shots 0 5 16 16 1
    kinds() { # folder: grey of 16 bits, palette, alpha, a moving PNG, each with its mask; and a mask of 16 bits
        python3 - "$1" <<'PY'
import struct, sys, zlib
def chunk(t, d): return struct.pack(">I", len(d)) + t + d + struct.pack(">I", zlib.crc32(t + d))
def save(name, kind, depth, row, more=b""):
    with open(f"{sys.argv[1]}/{name}.png", "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, depth, kind, 0, 0, 0)) + more
                + chunk(b"IDAT", zlib.compress((b"\0" + row) * 8)) + chunk(b"IEND", b""))
palette = chunk(b"PLTE", bytes([40, 60, 90, 220, 60, 40]))
moving = chunk(b"acTL", struct.pack(">II", 1, 0)) + chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 8, 8, 0, 0, 1, 1, 0, 0))
save("images/sixteen", 0, 16, bytes([30, 9] * 4 + [200, 9] * 4))
save("images/palette", 3, 8, bytes([0] * 4 + [1] * 4), palette)
save("images/alpha", 6, 8, bytes([40, 60, 90, 255] * 4 + [220, 60, 40, 128] * 4))
save("images/moving", 2, 8, bytes([40, 60, 90] * 4 + [220, 60, 40] * 4), moving)
for name in "palette", "moving":
    save(f"masks/{name}", 3, 8, bytes([0] * 4 + [1] * 4), palette)
save("masks/alpha", 4, 8, bytes([0, 255] * 4 + [1, 0] * 4))
save("masks/sixteen", 0, 16, bytes([0, 0] * 4 + [0, 1] * 4))
PY
    }
    kinds shots
    cp "$corpus/inks.jpg" shots/images/inks.jpg # CMYK
    tr -d ' \n' <<< "$progressive" | base64 -d > shots/images/progressive.jpg
    python3 - shots/masks/inks.png shots/masks/progressive.png <<'PY'
import struct, sys, zlib
def chunk(t, d): return struct.pack(">I", len(d)) + t + d + struct.pack(">I", zlib.crc32(t + d))
for name in sys.argv[1:]:
    with open(name, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0))
                + chunk(b"IDAT", zlib.compress((b"\0" + bytes([1] * 4 + [0] * 4)) * 8)) + chunk(b"IEND", b""))
PY
    "$T2M" build l shots -o m
    "$T2M" predict m shots/images/*.png shots/images/*.jpg --out o > /dev/null
    [ "$(ls o | wc -l)" -eq 11 ]
    [[ "$(look o/palette.png)" == "8 8 3 "* ]]
    refused 3 "huge.png" "$T2M" predict m shots/images/p0.png "$corpus/huge.png" --out bad
    refused 3 "cut.png" "$T2M" predict m "$corpus/cut.png" --out worse
    [ "$(ls bad worse | tr '\n' ' ')" = "bad: p0.png  worse: " ]
    mkdir -p classes/red classes/ink # pairs in class folders
    cp shots/images/progressive.jpg shots/masks/progressive.png classes/red
    cp shots/images/inks.jpg shots/masks/inks.png classes/ink
    "$T2M" build l classes -o of_classes --explain > said
    grep -E "^  ink +1 +0\.2" said
    "$T2M" predict of_classes classes/red/progressive.jpg | grep "progressive.jpg,red,0\."
    cp "$corpus/inks.jpg" shots/masks/p0.png
    refused 3 "masks/p0.png': a mask as JPEG" "$T2M" build l shots -o n
}

@test "eval: Dice beside IoU, and a control" {
    mask_learner l
    "$T2M" eval l family --tasks 5 --shots 2 --queries 3 > said
    grep -E "^ +iou .* dice" said
    grep -E "^naive-bayes +0\." said
    "$T2M" eval l family --tasks 5 --shots 2 --queries 3 --json > all
    python3 - all <<'PY'
import json, sys
data = json.load(open(sys.argv[1]))["data"]
rows = data["rows"] + data["controls"]
assert [r["name"] for r in rows] == ["scratch", "shared", "wrong-task", "generated", "tuned", "naive-bayes"]
assert data["metric"] == "iou"
for r in rows: # of one class Dice is 2 I / (1 + I), which is concave: the mean is at most that of the mean
    assert 0 <= r["mean"] <= r["dice"] <= 2 * r["mean"] / (1 + r["mean"]) + 1e-9 and r["dice_ci95"] >= 0, r
assert rows[-1]["mean"] > 0.8, rows[-1]
PY
    refused 2 "leave it out" "$T2M" eval l family --rotations
}

@test "a page about a learner of masks" {
    mask_learner l
    "$T2M" report l family -o page.html --tasks 3 > /dev/null
    grep "12 pictures with masks, 1 class in 1 set, 16 × 16 pixels; a task is to find the pixels of 1 class" page.html
    grep "<h2>Intersection over union against the number of examples</h2>" page.html
    grep "Naive Bayes" page.html
    [ "$(grep -c "<h3>foreground: intersection over union [01]\.[0-9]*</h3>" page.html)" -eq 3 ]
    grep "Other numbers of shots are left out: .*in more than 12 pictures, and --shots 20 needs 21" page.html
    python3 - page.html <<'PY'
import base64, re, sys
page = open(sys.argv[1]).read()
rows = re.findall(r"<span class=name>(\w+)</span>\n<span class=pics>(.*?)</span></div>", page, re.S)
pictures = {}
for name, row in rows:
    pictures.setdefault(name, []).append([base64.b64decode(x) for x in re.findall(r"base64,([^\"]*)", row)])
assert list(pictures) == ["examples", "new", "truth", "predicted"], list(pictures)
for new, truth, said in zip(pictures["new"], pictures["truth"], pictures["predicted"], strict=True):
    assert len(new) == len(truth) == len(said) == 4
    assert all(x.startswith(b"\x89PNG") for x in new + truth + said)
    assert all(a != b for a, b in zip(new, truth)) # the mask is laid over it
PY
    "$T2M" report l family -o two.html --tasks 2 --json | field 'd["data"]["metric"]' | grep iou
}

@test "a dry run tells the pictures; the parts of classes.csv; the shipped learner that fits" {
    pairs family 0 8 16 16 2
    printf 'id,name,split\n1,red,train\n2,green,val\n' > family/classes.csv
    "$T2M" train family --dry-run --structure fcn:4,8 --image-size 16 --threads 1 > said
    grep "family: 8 pictures with masks of 16 x 16 x 3, 2 classes, 1 set" said
    "$T2M" train family -o l --structure fcn:4,8 --image-size 16 --steps 2 --shots 1 --queries 1 --split train \
        --validation family --validation-split val --validation-tasks 2 --threads 1
    refused 3 "no mask has a pixel of a class of the split 'test'" "$T2M" eval l family --split test
    mkdir none
    T2M_LEARNERS=$PWD/none run "$T2M" build family -o m
    if [ ! -e "$BATS_TEST_DIRNAME/../learners/masks.safetensors" ]; then
        [ "$status" -eq 2 ]
        [[ "$output" == *"no shipped learner is for pictures with masks"* ]]
    fi
    cp l none/masks.safetensors
    T2M_LEARNERS=$PWD/none "$T2M" build family -o m2 2>&1 | grep "with the shipped learner masks"
    (cd family && python3 -m zipfile -c ../family.zip images masks classes.csv)
    T2M_LEARNERS=$PWD/none "$T2M" build family.zip -o m3 2>&1 | grep "with the shipped learner masks"
    cmp m2 m3
}
