# bad_tables.bats: tables that cannot be learned from, or only just: each gets an answer or one sentence with
# the place, and no file is left.

load helpers

bad_setup() {
    "$T2M" train builtin:tables -o l --structure kernel:16,4,4 --meta-batch 1 --steps 2 --validation-tasks 1 2>/dev/null
    rm -r l.run
    printf 'a,b,y\n1,2,x\n2,3,z\n3,1,x\n4,5,z\n' > good.csv
    "$T2M" build l good.csv -o good
}

no_model() { # text that the message must hold, the file's text as for printf, options...
    local text=$1 before
    printf "$2" > t.csv
    shift 2
    before=$(ls -A)
    refused 3 "$text" "$T2M" build l t.csv -o m "$@"
    [ "$(ls -A)" = "$before" ]
}

no_answer() { # text, the file's text
    printf "$2" > t.csv
    refused 3 "$1" "$T2M" predict good t.csv
    [ "${#lines[@]}" -eq 1 ]
}

answers() { # the file's text; rows
    printf "$1" > t.csv
    "$T2M" build l t.csv -o m --force
    [ "$("$T2M" predict m t.csv | wc -l)" -eq $((1 + $2)) ]
}

@test "tables that say too little" {
    bad_setup
    no_model "t.csv: no rows; the file is empty" ''
    no_model "t.csv: no rows; the file is empty" '\n\n'
    no_model "t.csv: no rows under the header" 'a,b,y\n'
    no_model "the target 'y' has one class only, 'x'" 'a,b,y\n1,2,x\n'
    no_model "line 2, column 'y': '1.5' is the target of all rows" 'a,y\n1,1.5\n'
    no_model "no column is left to learn from beside 'y'" 'y\n1\n2\n3\n'
    no_model "the target 'y' has one class only, 'x'" 'a,b,y\n1,2,x\n2,3,x\n'
    no_model "the target 'y' has one class only, 'x'" 'a,b,y\n1,2,x\n1,2,x\n'
    no_model "no column is left to learn from beside 'y': 'a' is constant, 'b' is constant" 'a,b,y\n1,2,x\n1,2,z\n'
    no_model "no column is left to learn from beside 'y': 'a' is empty, 'b' is empty" 'a,b,y\n,,x\n,,z\n'
    no_model "line 2, column 'y': the target is missing" 'a,b,y\n,,\n,,\n'
    no_model "line 3, column 'y': the target is missing" 'a,b,y\n1,2,x\n2,3,\n'
    no_model "no column 'q'; there are: a, y" 'a,y\n1,2\n' --target q
    no_model "no column 'q'; there are: a, y" 'a,y\n1,2\n' --ignore q
    no_model "'a' is ignored" 'a,y\n1,2\n2,3\n' --ignore a
}

@test "tables that are no good text" {
    bad_setup
    no_model "line 1: two columns are called 'a'" 'a,a,y\n1,2,x\n2,3,z\n'
    no_model "line 3: 2 fields, but the header has 3" 'a,b,y\n1,2,x\n2,z\n'
    no_model "line 4: 4 fields, but the header has 3" 'a,b,y\n1,2,x\n\n2,3,z,7\n'
    no_model "line 2: a quote is never closed (field 2)" 'a,b,y\n1,"2,x\n2,3,z\n'
    no_model "line 3: not text in UTF-8: byte 3 of the line is 0x00" 'a,b,y\n1,2,x\n2,\0,z\n'
    no_model "line 3: not text in UTF-8: byte 8 of the line is 0xE9; save as UTF-8" 'a,b,y\n1,2,x\n2,3,caf\xe9\n'
    no_model "line 1: not text in UTF-8: byte 1 of the line is 0xFF" '\xff\xfea\0,\0y\0\n\0'
    no_model "line 3, column 'a': '1e400' is infinite, or too large" 'a,y\n1,x\n1e400,z\n2,x\n'
    no_model "line 3, column 'a': 'inf' is infinite, or too large" 'a,y\n1,x\ninf,z\n2,x\n'
    no_model "line 3, column 'y': '-inf' is infinite, or too large" 'a,y\n1,1.5\n2,-inf\n4,2\n'
    no_model "line 22, column 'a': '1O' is not a number, but 20 of 21 cells" \
        "a,y\n$(printf '%s.5,x\\n' $(seq 20))1O,z\n"
    no_answer "t.csv: no rows; the file is empty" ''
    no_answer "t.csv: 2 of the columns needed are missing: 'a', 'b'" 'c,d\n1,2\n'
    no_answer "t.csv: 1 of the columns needed is missing: 'b'" 'a,B\n1,2\n'
    no_answer "t.csv: line 3, column 'b': 'inf' is not a number" 'a,b\n1,2\n1,inf\n'
    no_answer "t.csv: line 2, column 'a': '1e400' is not a number" 'a,b\n1e400,2\n'
    no_answer "t.csv: line 2, column 'a': 'five' is not a number" 'a,b\nfive,2\n'
    no_answer "line 2: not text in UTF-8: byte 1 of the line is 0xE9" 'a,b\n\xe9,2\n'
    no_answer "t.csv: line 3: 1 fields, but the header has 2" 'a,b\n1,2\n3\n'
}

@test "tables that are odd and yet have models" {
    bad_setup
    answers 'a,b,y\n1,2,x\nfive,3,z\n2024-01-01,4,x\nyes,2,z\n' 4 # types of one column: categories
    answers 'a,y\n1,x\n2,z\n' 2
    answers 'a,b,y\n1,,x\n,2,z\n,,x\n2,,z\n' 4
    answers '\xef\xbb\xbfa;b;y\r\n1,5;2;x\r\n2,5;3;z\r\n' 2
    answers 'a,y\n1e300,x\nb,z\n' 2 # text, then
    python3 - <<'PY'
with open("long.csv", "w") as f: # texts of 10,000 letters, and names
    print("a", "n" * 10000, "y", sep=",", file=f)
    for i in range(12):
        print(i, "abc"[i % 3] * 10000, "xz"[i % 2] * 10000, sep=",", file=f)
PY
    "$T2M" build l long.csv -o long
    [ "$("$T2M" predict long long.csv | cut -d , -f 2 | grep -c -e '^x*$' -e '^z*$')" -eq 12 ]
    "$T2M" info long > /dev/null
}

@test "tables that are too large" {
    bad_setup
    python3 - <<'PY'
with open("classes.csv", "w") as f:
    print("a,y", *(f"{i},c{i % 300}" for i in range(900)), sep="\n", file=f)
with open("most.csv", "w") as f:
    print("a,y", *(f"{i % 9},c{i % 256}" for i in range(257)), sep="\n", file=f)
with open("large.csv", "w") as f:
    f.write("a,b,y\n" + "1,2,x\n2,3,z\n" * 2500000)
with open("words.csv", "w") as f:
    print("a,y", *(f"word{i % 12},{i % 2}" for i in range(60)), sep="\n", file=f)
with open("names.csv", "w") as f: # one longer than a file of a model has room for
    print(*("n" * 999000 + str(i) for i in range(18)), "y", sep=",", file=f)
    print(*range(18), "a", sep=",", file=f)
    print(*range(1, 19), "b", sep=",", file=f)
with open("many.csv", "w") as f: # a category is ten numbers
    print("a", *("x" for i in range(9000)), sep="\n", file=f)
PY
    local before=$(ls -A)
    refused 3 "the target 'y' has 300 classes, 256 is the most" "$T2M" build l classes.csv -o m
    refused 3 "'large.csv' has 30000006 bytes; at most 8388608 are read (--max-memory)" \
        "$T2M" build l large.csv -o m --max-memory 8M
    refused 3 "at most 8388608 are read (--max-memory)" "$T2M" predict good large.csv --max-memory 8M
    refused 3 "shorten the names of columns" "$T2M" build l names.csv -o m
    [ "$(ls -A)" = "$before" ]
    "$T2M" build l words.csv -o words
    refused 3 "many.csv: 9000 rows of 10 numbers are more than the limit of 102400 bytes (--max-memory)" \
        "$T2M" predict words many.csv --max-memory 100K
    "$T2M" build l most.csv -o most
    [ "$("$T2M" predict most most.csv | head -1 | tr , '\n' | wc -l)" -eq 258 ]
}
