# report.bats: the page of t2m report: whole, of one piece, safe with any text, and never half written.

load helpers

# Fails unless the page's tags are balanced, it loads nothing from elsewhere, and runs nothing but its
# own script. Prints how often a class of elements is there, as "class count" lines.
checked() { # page
    python3 - "$1" <<'PY'
import collections, html.parser, re, sys
text = open(sys.argv[1], encoding="utf-8").read()
void = {"meta", "img", "br"}
count = collections.Counter()
class Page(html.parser.HTMLParser):
    open = []
    def attributes(self, tag, attrs):
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names), (tag, attrs)
        assert not any(name.startswith("on") for name in names), (tag, attrs)
        for name, value in attrs:
            if name in ("src", "href", "srcset", "poster", "data", "action"):
                assert name == "src" and value.startswith("data:image/png;base64,iVBOR"), (tag, name, value[:60])
            if name == "d":
                assert "nan" not in value and "inf" not in value, value
            if name == "class":
                count.update(value.split())
        count[tag] += 1
    def handle_starttag(self, tag, attrs):
        assert tag not in ("link", "iframe", "object", "embed", "base", "form", "audio", "video"), tag
        self.attributes(tag, attrs)
        if tag not in void:
            self.open.append(tag)
    def handle_startendtag(self, tag, attrs):
        self.attributes(tag, attrs)
    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (tag, self.open, self.getpos())
        self.open.pop()
page = Page()
page.feed(text)
page.close()
assert not page.open, page.open
assert "http://" not in text and "https://" not in text and "url(" not in text and "@import" not in text
assert count["script"] == count["style"] == count["h1"] == 1
for key in sorted(count):
    print(key, count[key])
PY
}

count() { # class or tag; of what `checked` printed
    awk -v key="$1" '$1 == key { n = $2 } END { print n + 0 }' <<< "$found"
}

curves() { # the file: a tiny learner of curves
    "$T2M" train builtin:sine-line -o "$1" --method t2m --structure "${2:-mlp:8}" --steps 20 --validation-tasks 5 2>/dev/null
}

@test "a page about curves" {
    curves l
    "$T2M" report l builtin:sine-line --tasks 10 -o page.html --json 2>/dev/null > answer
    [ "$(field 'sorted(d["data"])' < answer | tr -d "' ")" = "[bytes,metric,report,shots,tasks,wrong_task_is_worse]" ]
    [ "$(field '[d["schema"], d["data"]["report"], d["data"]["shots"], d["data"]["metric"]]' < answer)" = \
        "['t2m-report/1', 'page.html', [1, 2, 5, 10, 20], 'mse']" ]
    [ "$(field 'd["data"]["bytes"]' < answer)" -eq "$(wc -c < page.html)" ]
    found=$(checked page.html)
    [ "$(count task)" -eq 60 ]
    [ "$(count link)" -eq 60 ] # from t to m
    [ "$(count plot)" -eq 9 ]  # training, validation, shots, six tasks
    [ "$(count band)" -eq 5 ]
    grep -q '"schema": &quot;t2m-manifest/1\|&quot;schema&quot;: &quot;t2m-manifest/1' page.html
    grep -q "significantly worse" page.html
    grep -q "<pre>t2m report l builtin:sine-line --tasks 10 -o page.html --json" page.html
    # the same numbers as eval prints
    "$T2M" eval l builtin:sine-line --tasks 10 --shots 5 --json 2>/dev/null > rows
    python3 - <<'PY'
import json, re
row = re.search("<th scope=row>[^/]*/span>tuned</th>(.*)</tr>", open("page.html").read())[1]
mean, ci95 = re.findall(r"<td>([\d.]+) <small>± ([\d.]+)", row)[2]
true = json.load(open("rows"))["data"]["rows"][4]
assert abs(float(mean) - true["mean"]) < 0.006 * true["mean"] and abs(float(ci95) - true["ci95"]) < 0.006 * true["mean"]
PY
    # and the same page again, for any number of threads
    "$T2M" report l builtin:sine-line --tasks 10 -o again.html --threads 1 2>/dev/null
    cmp <(grep -v "<pre>t2m" page.html) <(grep -v "<pre>t2m" again.html)
}

@test "several structures, no t, no log" {
    curves l linear+mlp:8
    rm -r l.run
    "$T2M" report l builtin:sine-line --tasks 5 -o page.html 2>/dev/null
    found=$(checked page.html)
    grep -q "There is no log of the training: it would be in l.run" page.html
    grep -q "Which structure the models got" page.html
    [ "$(count link)" -eq 60 ]
    row_learner r
    "$T2M" report r builtin:line --tasks 5 -o r.html 2>/dev/null
    found=$(checked r.html)
    grep -q "This method makes no t" r.html
    [ "$(count task)" -eq 60 ]
    [ "$(count link)" -eq 0 ]
}

@test "a log that is cut off, and one of two runs" {
    row_learner l
    printf '{"step":5,"loss":9}\n{"step":9,"loss":9}\n{"step":1,"loss":3,"validation":2}\n{"step":2,"lo' > l.run/log.jsonl
    "$T2M" report l builtin:line --tasks 5 -o page.html 2>/dev/null
    checked page.html
    [ "$(grep -c "<title>loss: " page.html)" -eq 1 ]
    grep -q "<title>loss: 3 (meta-step: 1)</title>" page.html
}

@test "a page about images, with names that look like HTML" {
    small_learner l
    mv family/class0 'family/<script>alert(1)<'
    mv family/class1 "family/a \"b\" & 'c'"
    mv family 'f<b>'
    "$T2M" report l 'f<b>' --tasks 5 --ways 3 -o page.html 2>/dev/null
    found=$(checked page.html)
    [ "$(count card)" -eq 3 ]
    [ "$(count img)" -eq $((3 * 3 * (1 + 3))) ] # tasks, classes, 1 example and 3 queries of the 6 images
    grep -q "&lt;script&gt;alert(1)&lt;" page.html
    grep -q "a &quot;b&quot; &amp; &#39;c&#39;" page.html
    [ "$(grep -c "alert(1)<" page.html)" -eq 0 ]
    grep -q "Accuracy against the number of examples" page.html
    refused 3 "fewer than --ways" "$T2M" report l 'f<b>' --ways 7 -o p2.html
    [ ! -e p2.html ]
}

@test "rows of several columns, one number of shots, names of columns and tasks" {
    python3 - > rows.csv <<'PY'
import random
r = random.Random(1)
print('task,a,"b<i>","y & ""z"""')
for t in range(8):
    for i in range(9):
        a, b = r.random(), r.random()
        print(f'<u>{t},{a},{b},{t * a - b}')
PY
    "$T2M" train rows.csv -o l --method hyper --represent concat --structure linear --shots 4 --queries 4 --steps 5 2>/dev/null
    "$T2M" report l rows.csv --tasks 5 -o page.html --json 2>/dev/null | field 'd["data"]["shots"]' | grep -F "[4]"
    found=$(checked page.html)
    grep -q "Other numbers of shots are left out" page.html
    grep -q "&lt;u&gt;" page.html
    [ "$(count cloud)" -eq $((2 * 6 * 4)) ] # generated and tuned, tasks, queries
    "$T2M" train rows.csv -o s --method ridge --structure linear --scale-by-task --shots 4 --queries 4 --steps 5 2>/dev/null
    "$T2M" report s rows.csv --tasks 5 -o s.html 2>/dev/null
    checked s.html
}

@test "predictions lie where the data are, also of tasks in units of their own" {
    python3 - > far.csv <<'PY'
print("task,x,y")
for t in range(6):
    for i in range(12):
        print(f"{t},{1000 + 10 * i},{5000 + 30 * i * (t + 1)}")
PY
    for how in "" --scale-by-task; do
        "$T2M" train far.csv -o l --method ridge --structure linear --shots 5 --queries 5 --steps 50 --force $how 2>/dev/null
        "$T2M" report l far.csv --tasks 5 -o page.html --force 2>/dev/null
        python3 - <<'PY'
import re
text = open("page.html").read()
plots = re.findall(r'<figure class="plot clip">.*?</figure>', text, re.S)
assert len(plots) == 6
for plot in plots: # a line through its points: all on the drawing, none far off the tuned line
    line = [tuple(map(float, p.split())) for p in re.search(r'class="line r4" d="M([^"]*)"', plot)[1].split("L")]
    points = [tuple(map(float, p)) for p in re.findall(r'class="pt (?:mark|truth)" d="M(\S+) (\S+?)h0"', plot)]
    assert len(points) == 11, points
    for x, y in points:
        near = min(line, key=lambda p: abs(p[0] - x))
        assert -1 <= x <= 1001 and -1 <= y <= 1001 and abs(near[1] - y) < 300, (x, y, near)
PY
    done
}

@test "what is refused, and leaves nothing" {
    row_learner l
    small_learner p
    echo mine > page.html
    refused 2 "exists" "$T2M" report l builtin:line -o page.html
    [ "$(cat page.html)" = mine ]
    refused 2 "-o FILE is missing" "$T2M" report l builtin:line
    refused 2 "must be from" "$T2M" report l builtin:line -o q.html --tasks 1
    refused 2 "unknown family" "$T2M" report l builtin:lime -o q.html
    refused 3 "is for images" "$T2M" report p builtin:line -o q.html
    refused 3 "is for rows" "$T2M" report l family -o q.html
    refused 6 "No such file" "$T2M" report l builtin:line -o nowhere/q.html
    refused 6 "cannot" "$T2M" report l builtin:line -o /proc/q.html
    refused 4 "" "$T2M" report page.html builtin:line -o q.html
    [ ! -e q.html ]
    "$T2M" report l builtin:line -o page.html --tasks 2 --force 2>/dev/null
    checked page.html
    [ -z "$(find . -name '*.tmp')" ]
}

@test "a full disk leaves the page that was there" {
    row_learner l
    mkdir disk
    echo mine > disk/page.html
    run bash -c "ulimit -f 8; trap '' XFSZ; '$T2M' report l builtin:line -o disk/page.html --tasks 2 --force"
    echo "$output"
    [ "$status" -eq 6 ]
    [ "$(ls disk)" = page.html ]
    [ "$(cat disk/page.html)" = mine ]
}

@test "Ctrl-C leaves nothing" {
    small_learner l
    "$T2M" report l family --tasks 1000000 -o page.html --json > out 2> err &
    local pid=$!
    sleep 0.7
    kill -INT $pid
    local code=0
    wait $pid || code=$?
    [ "$code" -eq 130 ]
    [ "$(field 'd["error"]["code"]' < out)" -eq 130 ]
    grep -q "stopped; no page was written" err
    [ ! -e page.html ]
    [ -z "$(find . -name '*.tmp')" ]
}

table_learner() { # file
    "$T2M" train builtin:tables -o "$1" --structure kernel:9,4,4 --meta-batch 1 --steps 1 --validation-tasks 1 2>/dev/null
}

# Rows whose target is told by `much` and by `colour`, a little by `less`, and not by `noise`.
houses() { # file, "price" or "kind", rows
    python3 - "$@" <<'PY'
import random, sys
name, target, rows = sys.argv[1], sys.argv[2], int(sys.argv[3])
r = random.Random(3)
with open(name, "w") as f:
    print("noise,much,less,colour,when,<i>flat", target, sep=",", file=f)
    for i in range(rows):
        much, less, colour = r.random(), r.random(), r.choice(["red & co", "green", "blue"])
        price = 30 * much + 3 * less + {"red & co": 20, "green": 0, "blue": -5}[colour] + r.gauss(0, 0.5)
        shown = "" if i % 9 == 0 else f"{much:.4f}"
        print(f"{r.random():.4f},{shown},{less:.4f},{colour},2024-{i % 12 + 1:02}-{i % 28 + 1:02},{'ny'[i % 2]}",
              f"{price:.3f}" if target == "price" else "<dear>" if price > 25 else "cheap", sep=",", file=f)
PY
}

@test "a page about a table of values" {
    table_learner l
    houses h.csv price 200
    "$T2M" report l h.csv -o page.html --json 2>/dev/null > answer
    python3 - <<'PY'
import json
d = json.load(open("answer"))
assert d["schema"] == "t2m-report/1" and d["ok"]
d = d["data"]
assert sorted(d) == ["bytes", "dropped", "held_out", "held_within", "importance", "kind", "loss_without_columns", "r2",
                     "report", "rmse", "rows"], sorted(d)
assert d["kind"] == "regression" and d["rows"] == 150 and d["held_out"] == 50
assert d["rmse"] < 0.5 * d["loss_without_columns"] and d["r2"] > 0.75
loss = {c["column"]: c["loss"] for c in d["importance"]}
assert set(loss) == {"noise", "much", "less", "colour", "when", "<i>flat"} # of the file, not the numbers made from them
assert [c["column"] for c in d["importance"]][:2] in (["much", "colour"], ["colour", "much"]), loss
assert abs(loss["noise"]) < 0.1 * loss["much"], loss
assert list(loss.values()) == sorted(loss.values(), reverse=True)
PY
    [ "$(field 'd["data"]["bytes"]' < answer)" -eq "$(wc -c < page.html)" ]
    found=$(checked page.html)
    [ "$(count bar)" -eq 6 ]
    [ "$(count plot)" -eq 8 ]     # six columns, the rows that are held out, tasks of the training
    [ "$(count known)" -eq 1 ]
    [ "$(grep -c "<title>this table: " page.html)" -eq 1 ]
    [ "$(grep -c "<title>synthetic table " page.html)" -eq 100 ]
    [ "$(count band)" -eq 5 ]     # of the columns that are numbers
    [ "$(count whisker)" -eq 3 ]  # of the colours
    [ "$(count cloud)" -eq 50 ]
    grep -q "red &amp; co" page.html
    grep -q "&lt;i&gt;flat" page.html
    grep -q "<h1>h.csv: price</h1>" page.html
    grep -q "like the tasks of the training" page.html
    grep -q "<pre>t2m report l h.csv -o page.html --json" page.html
    # the curve of `much` rises by what it adds
    python3 - <<'PY'
import re
text = open("page.html").read()
plot = re.search(r"<figcaption>much</figcaption>.*?</figure>", text, re.S)[0]
line = [tuple(map(float, p.split())) for p in re.search(r'class="line r4" d="M([^"]*)"', plot)[1].split("L")]
assert len(line) == 40 and line[0][1] - line[-1][1] > 150, line # the drawing's y runs downwards
PY
    "$T2M" report l h.csv -o again.html --threads 1 2>/dev/null
    cmp <(grep -v "<pre>t2m" page.html) <(grep -v "<pre>t2m" again.html)
}

@test "a page about a table of classes" {
    table_learner l
    houses h.csv kind 300
    "$T2M" report l h.csv --ignore when -o page.html --json 2>/dev/null > answer
    python3 - <<'PY'
import json
d = json.load(open("answer"))["data"]
assert sorted(d) == ["accuracy", "bytes", "calibration_error", "dropped", "held_out", "importance", "kind", "log_loss",
                     "loss_without_columns", "report", "rows"], sorted(d)
assert d["kind"] == "classification" and d["rows"] + d["held_out"] == 300 and 70 <= d["held_out"] <= 75
assert d["accuracy"] > 0.8 and d["log_loss"] < d["loss_without_columns"] and 0 <= d["calibration_error"] < 0.3
assert {"column": "when", "why": "ignored"} in d["dropped"]
assert set(c["column"] for c in d["importance"]) == {"noise", "much", "less", "colour", "<i>flat"}
PY
    found=$(checked page.html)
    [ "$(count plot)" -eq 7 ] # five columns, reliability, tasks of the training
    [ "$(count bar)" -eq 5 ]
    [ "$(count band)" -eq 0 ]
    grep -q "&lt;dear&gt;" page.html
    grep -q "expected calibration error" page.html
    grep -q "Left out: when (ignored)" page.html
    # the rows of the diagram are those that are held out, and give the error that is told
    python3 - <<'PY'
import json, re
text = open("page.html").read()
rows = re.findall(r"%</th><td>(\d+)</td><td>([\d.]+) %", text)
d = json.load(open("answer"))["data"]
assert sum(int(n) for n, _ in rows) == d["held_out"]
assert abs(sum(int(n) * float(right) for n, right in rows) / 100 / d["held_out"] - d["accuracy"]) < 0.002
PY
}

@test "a report on a table by a learner that keeps no tasks" {
    "$T2M" train builtin:tables -o l --structure linear --meta-batch 1 --steps 1 --validation-tasks 1 2>/dev/null
    houses h.csv price 60
    "$T2M" report l h.csv -o page.html 2>/dev/null
    found=$(checked page.html)
    [ "$(count known)" -eq 0 ]
    grep -q "keeps no tasks of its training" page.html
}

@test "what a report on a table refuses" {
    table_learner l
    houses h.csv price 40
    refused 2 "leave out --tasks and --ways" "$T2M" report l h.csv -o p.html --tasks 5
    refused 2 "give one CSV" "$T2M" report l h.csv h.csv -o p.html
    refused 2 "is a family" "$T2M" report l builtin:tables -o p.html
    refused 3 "is a folder" "$T2M" report l . -o p.html
    refused 2 "give one of them" "$T2M" report l h.csv -o p.html --classification --regression
    printf 'x,y\n1,2\n2,4\n3,5\n' > t.csv
    refused 3 "too few to hold out every 4th" "$T2M" report l t.csv --regression -o p.html
    [ ! -e p.html ]
}
