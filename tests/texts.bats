# texts.bats: the command with texts: from files to models, answers in a pipe, classes in and out, encoders, and what
# is no text.

load helpers

text_setup() {
    text_learner l
    texts shots.jsonl 4 3 0
    texts more.jsonl 2 3 4
    "$T2M" build l shots.jsonl -o m
}

@test "texts: train, eval, build, predict, info" {
    text_setup > out
    grep "1 represent the task .* 12 texts of 4 classes" out
    grep "2 represent the model .* m: text:200,128,8, " out
    texts new.jsonl 4 2 0
    "$T2M" predict m new.jsonl > answers
    [ "$(head -1 answers)" = "input,row,label,probability,none" ]
    [ "$(grep -c '^new.jsonl,[1-8],class[0-3],[01]\.[0-9]*,[01]\.[0-9]*$' answers)" -eq 8 ]
    [ "$(cut -d, -f3 answers | sed -n '2,9p' | uniq | tr -d '\n')" = class0class1class2class3 ] # they are shots too
    "$T2M" predict m new.jsonl --json | field 'd["data"]["classes"], sorted(d["data"]["predictions"][7])' > json
    grep "\['class0', 'class1', 'class2', 'class3'\]" json
    grep "'input', 'label', 'none', 'probabilities', 'row'" json
    diff <(cut -d, -f1,2,4,5 answers) <("$T2M" predict m new.jsonl --reject 0 | cut -d, -f1,2,4,5)
    [ "$("$T2M" predict m new.jsonl --reject 0 | cut -d, -f3 | sed 1d | sort -u)" = "" ]
    diff answers <("$T2M" predict m new.jsonl --reject 1)
    "$T2M" predict m new.jsonl --reject 0 --json | field 'd["data"]["predictions"][0]["label"]' | grep None
    "$T2M" eval l shots.jsonl --ways 3 --shots 2 --queries 1 --tasks 20 | grep "3-way 2-shot, 1 queries a class, 20 tasks"
    "$T2M" info l | grep "texts into classes; trained 4-way 1-shot"
    "$T2M" info m | grep "texts into 4 classes: class0 class1 class2 class3"
    "$T2M" info l --json | field 'd["data"]["method"]' | grep protonet
    "$T2M" train family.jsonl -o x --queries 2 --dry-run | grep "family.jsonl: 72 texts, 12 classes, 1 domains"
    "$T2M" build l shots.jsonl -o x --explain | grep "class3  *3"
}

@test "a pipe is answered line by line" {
    text_setup
    python3 - "$T2M" <<'PY'
import json, subprocess, sys
p = subprocess.Popen([sys.argv[1], "predict", "m", "-", "--json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
for k, line in enumerate(["toku mula", "", '{"text": "toku", "label": 7}', "  caf\u00e9 \u6f22"]):
    p.stdin.write(line + "\n")
    p.stdin.flush()
    answer = json.loads(p.stdout.readline()) # before the next is there
    assert answer["row"] == k + 1 and len(answer["probabilities"]) == 4, answer
    assert answer["label"] == max(answer["probabilities"], key=answer["probabilities"].get), answer
p.stdin.close()
assert p.wait() == 0 and p.stdout.read() == ""
PY
    printf 'one\ntwo' | "$T2M" predict m - > answers
    [ "$(cut -d, -f1,2 answers | tail -2 | tr '\n' ' ')" = "-,1 -,2 " ]
    printf 'one\ntwo\n' > new.txt
    diff <(cut -d, -f3- answers) <("$T2M" predict m new.txt | cut -d, -f3-)
}

@test "classes go into and out of a model of texts" {
    text_setup
    "$T2M" build m more.jsonl --add class5 -o more | grep "more: 5 classes, [0-9]* bytes"
    "$T2M" build more --remove class5 -o back
    cmp m back
    "$T2M" build m more.jsonl --add class4 -o x --json | field 'd["data"]["classes"]' | grep 5
    "$T2M" predict more more.jsonl | sed -n '5,7p' | cut -d, -f3 | sort -u | grep -x class5
    refused 2 "the model has a class 'class1' already" "$T2M" build m more.jsonl --add class1 -o y
    refused 3 "more.jsonl' has 2 classes, and no 'class9'" "$T2M" build m more.jsonl --add class9 -o y
    refused 2 "the model has no class 'class9'" "$T2M" build m --remove class9 -o y
    "$T2M" build m --remove class1 -o three
    "$T2M" build three --remove class0 -o two
    refused 2 "the model has two classes, and a classifier needs at least two" "$T2M" build two --remove class2 -o y
    refused 2 "expected: t2m build MODEL SHOTS --add CLASS -o MODEL" "$T2M" build m --add class4 -o y
    refused 2 "exists" "$T2M" build m --remove class1 -o three
    small_learner p
    refused 3 "has no texts, which this model takes" "$T2M" build m family --add class4 -o y
    [ ! -e y ]
}

@test "classes go into and out of a model of pictures" {
    small_learner l
    pictures shots 3 2
    pictures more 5 2
    "$T2M" build l shots -o m
    "$T2M" build m more --add class4 -o four | grep "four: 4 classes"
    "$T2M" predict four more/class4/*.png | sed 1d | cut -d, -f2 | sort -u | grep -x class4
    "$T2M" build four --remove class4 -o back
    cmp m back
    row_learner r
    printf 'x,y\n1,2\n2,3\n3,5\n' > rows.csv
    "$T2M" build r rows.csv -o rows
    refused 2 "of pictures and texts by protonet or ridge, and taken from them" "$T2M" build rows more --add class4 -o y
    refused 2 "this one was built by ridge" "$T2M" build rows --remove class4 -o y
    texts texts.jsonl 1 2 4
    refused 3 "'texts.jsonl' has no pictures, which this model takes" "$T2M" build m texts.jsonl --add class4 -o y
}

@test "forms of files give one model" {
    text_learner l
    mkdir folder
    printf 'lorem ipsum\n"quoted" text, with commas\n' > folder/a.txt
    printf '\xef\xbb\xbfdolor\r\n\r\nsit amet\r\n' > 'folder/b c.txt'
    echo "not read" > folder/README
    printf '{"label":"a","text":"lorem ipsum"}\n{"text":"\\"quoted\\" text, with commas","label":"a"}\n\n{"text":"dolor","label":"b c"}\n{"text":"sit amet","label":"b c"}' > t.jsonl
    printf '\xef\xbb\xbftext,label\r\nlorem ipsum,a\r\n"""quoted"" text, with commas",a\r\ndolor,b c\r\nsit amet,b c\r\n' > t.csv
    printf 'label\tid\ttext\na\t1\tlorem ipsum\na\t2\t"""quoted"" text, with commas"\nb c\t3\tdolor\nb c\t4\tsit amet\n' > t.tsv
    (cd folder && python3 -m zipfile -c ../t.zip a.txt "b c.txt")
    for shots in folder t.jsonl t.csv t.tsv t.zip; do
        "$T2M" build l $shots -o m --force
        [ -e first ] || cp m first
        cmp first m
    done
    "$T2M" build l folder -o n --threads 1
    cmp first n
}

@test "what is no text, with its line" {
    text_learner l
    bad() { # text of the message, the file's text as for printf
        printf "$2" > t.jsonl
        refused 3 "$1" "$T2M" build l t.jsonl -o m
        [ ! -e m ]
    }
    local good='{"text":"a","label":"x"}\n{"text":"b","label":"y"}\n'
    bad "t.jsonl: line 3: not text in UTF-8: byte 10 of the line is 0xFF; save as UTF-8" "$good"'{"text":"\xff"}'
    bad "t.jsonl: line 3: not text in UTF-8: byte 11 of the line is 0x00" "$good"'{"text":"c\0"}'
    bad "t.jsonl has 1 class; a classifier needs at least two" '{"text":"a","label":"x"}\n'
    bad "t.jsonl: line 3, byte 14: not a JSON object" "$good"'{"text":"c","l'
    bad "is the line cut off?" "$good"'{"text":"c","l'
    bad "t.jsonl: line 4: the text is empty" '\xef\xbb\xbf'"$good"'\n{"text":"","label":"x"}'
    bad "t.jsonl: line 3: there is no \"label\"" "$good"'{"text":"c"}\n'
    bad "the file is UTF-16: save as UTF-8" '\xff\xfea\0'
    bad "t.jsonl' has no texts" '\n'
    python3 -c 'import json; print(json.dumps({"text": "a" * 1048577, "label": "x"}))' > t.jsonl
    refused 3 "t.jsonl: line 1: a text of 1048577 bytes; at most 1048576 are read" "$T2M" build l t.jsonl -o m
    printf 'body,label\na,x\n' > t.csv
    refused 3 "t.csv: no column 'text'; there are: body, label" "$T2M" build l t.csv -o m
    pictures shots 2 1
    refused 3 "png' is no .jsonl, .csv, .tsv or .txt" "$T2M" build l shots -o m
    printf "$good"'{"text":"c","label":["x","y"]}\n' > several.jsonl
    refused 2 "several labels or values need a learner by ridge; this one is by protonet" "$T2M" build l several.jsonl -o m
    refused 3 "several.jsonl' has texts with several labels; a family has texts with one" "$T2M" train several.jsonl -o x
    refused 2 "models of texts are text:WORDS,SLOTS,WIDTH" "$T2M" train family.jsonl -o x --structure mlp:40
    refused 3 "no two texts have a word in common" bash -c \
        "printf '{\"text\":\"a\",\"label\":\"x\"}\n{\"text\":\"b\",\"label\":\"y\"}\n' > t.jsonl; '$T2M' train t.jsonl -o x"
    [ ! -e x ]
    printf "$good" > t.jsonl
    "$T2M" build l t.jsonl -o m
    refused 2 "there are no pages about learners of texts yet" "$T2M" report l family.jsonl -o p.html
    printf 'a\nb\xff\n' | refused 3 "standard input: line 2: not text in UTF-8" "$T2M" predict m -
    printf 'a\nb\0c\n' | refused 3 "standard input: line 2: not text in UTF-8: byte 2 of the line is 0x00" "$T2M" predict m -
    printf '{"text":"a"\n' | refused 3 "standard input: line 1" "$T2M" predict m -
}

@test "odd labels, and one text under two" {
    text_learner l
    python3 - <<'PY'
import json
with open("t.jsonl", "w") as f:
    for text, label in ("a b", 'say "hi", you'), ("c d", "two\nlines"), ("e f", "back\\slash"):
        f.write(json.dumps({"text": text, "label": label}) + "\r\n")
PY
    "$T2M" build l t.jsonl -o m
    "$T2M" predict m t.jsonl --json | field '[p["label"] for p in d["data"]["predictions"]]' > labels
    grep -F "['say \"hi\", you', 'two\\nlines', 'back\\\\slash']" labels
    "$T2M" predict m t.jsonl | grep '^t.jsonl,1,"say ""hi"", you",'
    "$T2M" build m t.jsonl --add x -o y 2>&1 | grep "has 3 classes, and no 'x'"
    "$T2M" build m --remove $'two\nlines' -o y
    printf '{"text":"a","label":"x"}\n{"text":"b","label":"y"}\n{"text":"a","label":"y"}\n' > two.jsonl
    "$T2M" build l two.jsonl -o z 2> said
    [ "$(cat said)" = "t2m: warning: two.jsonl: line 3: 'a' is 'y' here, but 'x' in line 1" ]
    cat two.jsonl >> family.jsonl
    echo '{"text":"c","label":"x"}' >> family.jsonl
    "$T2M" train family.jsonl --queries 1 --ways 2 --dry-run 2> said > /dev/null
    grep "t2m: warning: family.jsonl: line 75: 'a' is 'y' here, but 'x' in line 73" said
}

@test "several labels, or a value" {
    text_learner l --method ridge
    printf '%s\n' '{"text":"good food","label":["food","good"]}' '{"text":"bad food","label":["food"]}' \
        '{"text":"good staff","label":["good"]}' '{"text":"bad staff","label":[]}' > several.jsonl
    "$T2M" build l several.jsonl -o s | grep "4 texts of 2 classes, several at once"
    "$T2M" info s | grep "texts into 2 classes, several at once: food good"
    "$T2M" predict s several.jsonl > answers
    [ "$(head -1 answers)" = "input,row,labels,probability" ]
    grep '^several.jsonl,1,food; good,' answers
    echo "good food" | "$T2M" predict s - --json | field 'd["labels"], "none" in d' | grep "\['food', 'good'\] False"
    sed 's/"label":.*"good".*/"label":5}/; s/"label":\[.*/"label":1.5}/' several.jsonl > values.jsonl
    "$T2M" build l values.jsonl -o v --regression | grep "4 texts with a value each"
    "$T2M" build l values.jsonl -o e --regression --explain | grep "the task: 4 examples"
    "$T2M" info v | grep "a value, 'label', of texts"
    "$T2M" predict v values.jsonl | head -1 | grep "row,value,low80,high80,low95,high95"
    echo "good food" | "$T2M" predict v - --json | field 'd["value"] > 3, len(d["interval80"])' | grep "True 2"
    refused 2 "--reject is for models of texts that give one label" "$T2M" predict s several.jsonl --reject 0.5
    refused 2 "this one gives several: build it anew" "$T2M" build s several.jsonl --add x -o y
    refused 2 "this one gives a value: build it anew" "$T2M" build v --remove x -o y
}

@test "a sentence encoder that is on disk" {
    text_learner l
    texts shots.jsonl 3 2 0
    local tiny=$BATS_TEST_DIRNAME/data/bert
    "$T2M" train family.jsonl -o e --encoder "$tiny/bert" --ways 3 --queries 2 --steps 3 --validation-tasks 2 2>/dev/null
    "$T2M" build e shots.jsonl -o m --encoder "$tiny/bert" | grep "m: metric:64, "
    "$T2M" predict m shots.jsonl --encoder "$tiny/bert" > answers
    [ "$(wc -l < answers)" -eq 7 ]
    python3 -c 'import json; [print(json.loads(x)["text"]) for x in open("shots.jsonl")]' |
        "$T2M" predict m - --encoder "$tiny/bert" | diff <(cut -d, -f2- answers) <(cut -d, -f2- /dev/stdin)
    texts more.jsonl 1 2 9
    "$T2M" build m more.jsonl --add class9 -o four --encoder "$tiny/bert" | grep "four: 4 classes"
    "$T2M" build four --remove class9 -o back # needs none
    cmp m back
    for with in "" "--encoder $tiny/distilbert"; do
        local why="takes the vectors of a sentence encoder: name its folder with --encoder"
        [ -z "$with" ] || why="was made with another sentence encoder than the one that --encoder names"
        refused 2 "this learner $why" "$T2M" build e shots.jsonl -o x $with
        refused 2 "this learner $why" "$T2M" eval e family.jsonl $with
        refused 2 "this model $why" "$T2M" predict m shots.jsonl $with
        refused 2 "this model $why" bash -c "echo a | '$T2M' predict m - $with"
        refused 2 "this model $why" "$T2M" build m more.jsonl --add class9 -o x $with
    done
    "$T2M" info m | grep "texts into 3 classes"
    "$T2M" build l shots.jsonl -o plain # with and without the same
    "$T2M" build l shots.jsonl -o same --encoder "$tiny/bert"
    cmp plain same
    diff <("$T2M" predict plain shots.jsonl) <("$T2M" predict plain shots.jsonl --encoder "$tiny/bert")
    refused 2 "--augment is for images and for texts without --encoder" "$T2M" train family.jsonl -o x --augment 1 --encoder "$tiny/bert"
    mkdir empty
    refused 3 "'empty' has no config.json" "$T2M" build l shots.jsonl -o x --encoder empty
    [ ! -e x ]
}

@test "every method learns from texts, or says why not" {
    texts family.jsonl 8 6 0
    for method in maml fomaml reptile anil metasgd protonet protomaml ridge cavia leo hyper t2m; do
        "$T2M" train family.jsonl -o l --method $method --structure text:200,64,8 --ways 3 --shots 2 --queries 2 --steps 2 \
            --validation-tasks 2 --force
    done
    "$T2M" represent l family.jsonl | grep "t of "
    refused 2 "shifts the bias of the first layer, and the structure has none" "$T2M" train family.jsonl -o n --method cnp \
        --structure text:200,64,8 --ways 3 --queries 2 --steps 2
}

@test "training on texts: threads, resuming, from a learner, several files" {
    text_learner l --threads 1
    text_learner n --threads 2
    cmp l n
    texts second.jsonl 8 6 200
    "$T2M" train family.jsonl second.jsonl -o both --within-domain --structure text:200,128,8 --ways 4 --queries 2 --steps 3 \
        --validation-tasks 2 --augment 1 --validation second.jsonl --validation-ways 6 2> said
    grep "family.jsonl: 120 texts, 20 classes, 2 domains" said
    "$T2M" train second.jsonl -o from --from l --method protonet --ways 4 --queries 2 --steps 2 --validation-tasks 2 2>/dev/null
    "$T2M" info from | grep "text:200,128,8"
    refused 2 "'l' exists; give --resume to go on" "$T2M" train second.jsonl -o l --queries 2
    refused 2 "resume" "$T2M" train second.jsonl -o l --resume --structure text:200,128,8 --ways 4 --queries 3 --steps 20 \
        --validation-tasks 5
}
