# inputs.bats: all that can be wrong with what a user gives, on small data. Exit codes: 2 usage,
# 3 bad data, 4 bad model file, 6 I/O. Every message names the place.

load helpers

@test "bad folders of images" {
    small_learner l
    mkdir empty
    refused 3 "is empty" "$T2M" build l empty -o m
    refused 3 "is empty" "$T2M" train empty -o n
    python3 -c 'import zipfile; zipfile.ZipFile("empty.zip", "w").close()'
    local form
    for form in "pictures in class folders" "images/ with masks/" ".csv or .tsv" ".jsonl" ".txt for each class"; do
        refused 3 "$form" "$T2M" train empty.zip -o n
    done
    pictures one 1 3
    refused 3 "at least two" "$T2M" build l one -o m
    pictures shots 3 1
    mkdir shots/class3
    refused 3 "class3' is empty" "$T2M" build l shots -o m
    rmdir shots/class3
    cp shots/class1/0.png shots/lost.png
    refused 3 "lies in no class folder" "$T2M" build l shots -o m
    rm shots/lost.png
    echo x > shots/class1/notes.txt
    refused 3 "notes.txt" "$T2M" build l shots -o m
    mv shots/class1/notes.txt shots/class1/README.txt
    "$T2M" build l shots -o good
    mkfifo shots/class1/pipe.png
    refused 3 "pipe.png' is a device or pipe" "$T2M" build l shots -o m
    rm shots/class1/pipe.png
    ln -s nowhere shots/class1/link.png
    refused 6 "link.png" "$T2M" build l shots -o m
    rm shots/class1/link.png
    ln -s 0.png shots/class1/link.png # a good link is followed
    "$T2M" build l shots -o linked
    printf 'x,y\n1,2\n' > shots/class1/rows.csv
    refused 3 "do not make one family" "$T2M" build l shots -o m
    rm shots/class1/rows.csv
    mv shots/class1 "$(printf 'shots/a\nb')"
    refused 3 "control characters" "$T2M" build l shots -o m
    mv "$(printf 'shots/a\nb')" "$(printf 'shots/a\377')"
    refused 3 "not UTF-8" "$T2M" build l shots -o m
    "$T2M" build l shots -o m --json 2>/dev/null | field 'd["error"]["message"]' | grep "not UTF-8"
    [ ! -e m ]
}

@test "bad images" {
    small_learner l
    pictures shots 3 1
    head -c 60 shots/class1/0.png > cut && mv cut shots/class1/0.png
    refused 3 "class1/0.png': the PNG is cut off" "$T2M" build l shots -o m
    echo "I am text" > shots/class1/0.png
    refused 3 "neither PNG nor JPEG" "$T2M" build l shots -o m
    : > shots/class1/0.png
    refused 3 "0.png': the file is empty" "$T2M" build l shots -o m
    printf '\377\330\377\340broken' > shots/class1/0.png
    refused 3 "JPEG is damaged" "$T2M" build l shots -o m
    png shots/class1/0.png 30000 30000
    refused 3 "30000 x 30000" "$T2M" build l shots -o m
    png shots/class1/0.png 1000000 1000000
    refused 3 "1000000 x 1000000" "$T2M" build l shots -o m
    [ ! -e m ]
    pictures new 3 1
    "$T2M" build l new -o m
    refused 3 "1000000 x 1000000" "$T2M" predict m new/class0/0.png shots/class1/0.png
}

@test "bad zips" {
    small_learner l
    pictures shots 3 1
    (cd shots && python3 -m zipfile -c ../good.zip class0 class1 class2)
    "$T2M" build l good.zip -o from_zip
    "$T2M" build l shots -o from_folder
    cmp from_zip from_folder
    python3 - <<'PY'
import struct, warnings, zipfile, zlib
warnings.simplefilter("ignore")
def make(name, entries, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(name, "w", method) as z:
        for entry, data in entries:
            z.writestr(entry, data)
make("dots.zip", [("a/../../x.png", b"1")])
make("absolute.zip", [("/tmp/x.png", b"1")])
make("drive.zip", [("c:x.png", b"1")])
make("backslash.zip", [("a\\x.png", b"1")])
make("bomb.zip", [("a/x.png", bytes(8 << 20))])
make("twice.zip", [("a/x.png", b"1"), ("a/x.png", b"2")])
link = zipfile.ZipInfo("a/x.png")
link.create_system, link.external_attr = 3, 0o120777 << 16
make("link.zip", [(link, b"/etc/passwd")])
# two entries on the same bytes: the first, stored, holds the second with its header
def local(name, method, crc, packed, size):
    return struct.pack("<IHHHHHIIIHH", 0x04034b50, 20, 0, method, 0, 0, crc, packed, size, len(name), 0) + name
def central(name, method, crc, packed, size, at):
    return struct.pack("<IHHHHHHIIIHHHHHII", 0x02014b50, 20, 20, 0, method, 0, 0, crc, packed, size, len(name),
                       0, 0, 0, 0, 0, at) + name
zeros = bytes(100000)
c = zlib.compressobj(9, zlib.DEFLATED, -15)
kernel = c.compress(zeros) + c.flush()
inner = local(b"b.png", 8, zlib.crc32(zeros), len(kernel), len(zeros))
quoted = b"\0" + struct.pack("<HH", len(inner), len(inner) ^ 0xffff) + inner + kernel
outer = local(b"a.png", 8, zlib.crc32(inner + zeros), len(quoted), len(inner + zeros))
files = outer + quoted
places = (central(b"a.png", 8, zlib.crc32(inner + zeros), len(quoted), len(inner + zeros), 0)
          + central(b"b.png", 8, zlib.crc32(zeros), len(kernel), len(zeros), len(outer) + 5))
end = struct.pack("<IHHHHIIH", 0x06054b50, 0, 0, 2, 2, len(places), len(files), 0)
open("overlap.zip", "wb").write(files + places + end)
good = open("good.zip", "rb").read()
open("cut.zip", "wb").write(good[:len(good) // 2])
bad = bytearray(good)
bad[60] ^= 255
open("flipped.zip", "wb").write(bad)
PY
    refused 3 "leads out of the archive" "$T2M" build l dots.zip -o m
    refused 3 "leads out of the archive" "$T2M" build l absolute.zip -o m
    refused 3 "leads out of the archive" "$T2M" build l drive.zip -o m
    refused 3 "leads out of the archive" "$T2M" build l backslash.zip -o m
    refused 3 "200 times" "$T2M" build l bomb.zip -o m
    refused 3 "twice.zip" "$T2M" build l twice.zip -o m
    refused 3 "is a link" "$T2M" build l link.zip -o m
    refused 3 "overlaps another" "$T2M" build l overlap.zip -o m
    refused 3 "not a good zip" "$T2M" build l cut.zip -o m
    refused 3 "flipped.zip" "$T2M" build l flipped.zip -o m
    echo nothing > text.zip
    refused 3 "not a good zip" "$T2M" build l text.zip -o m
    refused 3 "--max-memory" "$T2M" build l bomb.zip -o m --max-memory 1K
    [ ! -e m ]
}

table() { # format: the table t.csv
    printf "$1" > t.csv
}

@test "bad tables" {
    row_learner l
    table 'z,y\n1,2\n'
    refused 3 "t.csv: no column 'x'; there are: z, y" "$T2M" build l t.csv -o m
    table 'x,y\n1,2\nabc,3\n'
    refused 3 "t.csv: line 3, column 'x': 'abc' is not a number" "$T2M" build l t.csv -o m
    table '\357\273\277"x","y"\r\n1,2\r\n3,"q"\r\n' # a byte order mark, quotes, CRLF
    refused 3 "t.csv: line 3, column 'y': 'q' is not a number" "$T2M" build l t.csv -o m
    table 'x,y\n1,2\n3\n'
    refused 3 "line 3: 1 fields, but the header has 2" "$T2M" build l t.csv -o m
    table 'x,y\n1,2\n3,4,5\n'
    refused 3 "line 3: 3 fields, but the header has 2" "$T2M" build l t.csv -o m
    for v in nan NaN inf -Infinity 1e999 1,5 0x10 '' ' '; do
        table "x,y\n1,2\n3,\"$v\"\n"
        refused 3 "line 3, column 'y': '$v' is not a number" "$T2M" build l t.csv -o m
    done
    table 'x,y\n1,"2\n3,4\n'
    refused 3 "line 2: a quote is never closed" "$T2M" build l t.csv -o m
    table 'x,y\n1,"2"3\n'
    refused 3 "line 2: a quote" "$T2M" build l t.csv -o m
    table 'x,x\n1,2\n'
    refused 3 "two columns are called 'x'" "$T2M" build l t.csv -o m
    table '"a\nb",y\n1,2\n'
    refused 3 "control character" "$T2M" train t.csv -o n
    table 'x,y\n1,\377\n'
    refused 3 "line 2: not text in UTF-8" "$T2M" build l t.csv -o m
    table 'x,y\n'
    refused 3 "no rows" "$T2M" build l t.csv -o m
    table ''
    refused 3 "no rows" "$T2M" build l t.csv -o m
    refused 6 "No such file" "$T2M" build l nowhere.csv -o m
    table 'x,y\n1,2\n'
    refused 3 "no column 'q'" "$T2M" build l t.csv -o m --target q
    table 'task,x,y\na,1,2\nb,1,2\n'
    refused 3 "2 tasks" "$T2M" build l t.csv -o m
    [ ! -e m ]
}

@test "good tables that look odd" {
    row_learner l
    table 'x,y\n1,2\n2,4\n-1,-2\n'
    "$T2M" build l t.csv -o plain
    for t in '\357\273\277x,y\n1,2\n2,4\n-1,-2\n' '"x","y"\r\n"1"," 2"\r\n2,4\r\n-1,-2' '\ny,x\n2,1\n\n4,2\n-2,-1\n\n'; do
        table "$t"
        "$T2M" build l t.csv -o odd --target y --force
        cmp plain odd
    done
    mkdir folder
    mv t.csv folder/t.csv
    echo "notes,to\nself" > folder/index.csv
    "$T2M" build l folder -o odd --force
    cmp plain odd
}

@test "files that are no files" {
    row_learner l
    mkdir closed
    mkfifo pipe.csv
    refused 3 "device or pipe" "$T2M" build l pipe.csv -o m
    refused 3 "device or pipe" "$T2M" build pipe.csv t.csv -o m
    refused 3 "is a folder" "$T2M" info closed
    table 'x,y\n1,2\n'
    refused 2 "exists" "$T2M" build l t.csv -o closed
    refused 6 "Is a directory" "$T2M" build l t.csv -o closed --force
    ln -s t.csv link.csv
    "$T2M" build l link.csv -o m
    ln -s m here
    refused 2 "exists" "$T2M" build l t.csv -o here
    "$T2M" build l t.csv -o here --force # takes the place of the link, not of the file
    [ ! -L here ]
    cmp here m
    [ -z "$(ls -A closed)" ]
}

@test "too few classes or examples" {
    pictures family 4 3
    refused 3 "fewer than --ways 5" "$T2M" train family -o l --image-size 16
    refused 3 "fewer than 1 shots + 15 queries" "$T2M" train family -o l --ways 3 --image-size 16
    rm family/class2/[12].png
    refused 3 "class2' has 1 example" "$T2M" train family -o l --ways 3 --queries 2 --image-size 16
    refused 2 "unknown method" "$T2M" train family -o l --method magic
    refused 2 "unknown structure" "$T2M" train family -o l --structure magic
    refused 2 "-o FILE is missing" "$T2M" train family
    table 'x,y\n1,2\n3,4\n'
    refused 3 "fewer than" "$T2M" train t.csv -o l
    [ ! -e l ] && [ ! -e l.run ]
    small_learner l
    refused 3 "fewer than --ways" "$T2M" eval l family --ways 20 --queries 1
    refused 3 "fewer than" "$T2M" eval l family --queries 100
}

@test "a learner of another kind, and files of another kind" {
    small_learner pictures_learner
    row_learner row_learner
    table 'x,y\n1,2\n'
    refused 3 "is for pictures" "$T2M" build pictures_learner t.csv -o m
    pictures shots 3 1
    refused 3 "is for rows" "$T2M" build row_learner shots -o m
    refused 4 "it is a learner" "$T2M" predict row_learner t.csv
    "$T2M" build row_learner t.csv -o m
    refused 4 "it is a model" "$T2M" build m t.csv -o n
    echo no > text
    refused 4 "shorter than 8 bytes" "$T2M" build text t.csv -o n
    head -c 300 row_learner > cut
    refused 4 "cut off" "$T2M" build cut t.csv -o n
    refused 3 "no column 'x'" "$T2M" predict m <(printf 'z\n1\n') || [ "$status" -eq 3 ]
    [ ! -e n ]
}

@test "outputs that exist, and no permission" {
    mkdir there
    refused 2 "'there' is a folder" "$T2M" train builtin:sinusoid -o there --force --steps 2
    [ ! -e there.run ]
    row_learner l
    table 'x,y\n1,2\n'
    echo mine > m
    refused 2 "exists" "$T2M" build l t.csv -o m
    [ "$(cat m)" = mine ]
    "$T2M" build l t.csv -o m --force
    refused 2 "--resume" "$T2M" train builtin:line -o l --steps 2
    refused 2 "l.run' exists" bash -c "mv l other; '$T2M' train builtin:line -o l --steps 2 2>&1 | grep -v 'as many'; exit \${PIPESTATUS[0]}"
    refused 2 "nothing to go on with" "$T2M" train builtin:line -o new --steps 2 --resume
    refused 6 "cannot create" "$T2M" build other t.csv -o nowhere/m
    refused 6 "cannot create" "$T2M" train builtin:line -o nowhere/l --steps 2
    if [ "$(id -u)" -ne 0 ]; then
        mkdir closed && chmod 500 closed
        refused 6 "Permission denied" "$T2M" build other t.csv -o closed/m
        chmod 000 t.csv
        refused 6 "Permission denied" "$T2M" build other t.csv -o n
    fi
    [ ! -e l ] && [ ! -e new ] && [ ! -e new.run ]
}

@test "a full disk" {
    row_learner l
    table 'x,y\n1,2\n'
    if [ -e /dev/full ]; then
        run bash -c "'$T2M' info l > /dev/full"
        [ "$status" -eq 6 ]
    fi
    mkdir disk
    # one that is small, where this user may make one; tests/test_faults.c fails every call anyway
    mount -t tmpfs -o size=16k none disk 2>/dev/null || skip "may not mount"
    head -c 12288 /dev/zero > disk/other
    cp l disk/safe
    run "$T2M" train builtin:sinusoid --structure mlp:40,40 -o disk/safe --force --steps 2
    echo "$output"
    [ "$status" -eq 6 ] && [[ "$output" == *"no room"* ]] && cmp l disk/safe && [ -z "$(ls disk/*.tmp disk/*/*.tmp 2>/dev/null)" ] || { umount disk; false; }
    umount disk
}

@test "a task whose numbers go beyond all bounds gives no model" {
    row_learner l
    table 'x,y\n1e38,1e38\n-1e38,3e38\n2,3\n'
    refused 7 "not finite" "$T2M" build l t.csv -o m
    [ ! -e m ]
}
