/* schema.c: finds what each column of a table is. First a survey of all cells, then a decision for
 * each column: number, boolean, date, else category; last the target. */
#include "task/schema.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/words.h"
#include "task/classes.h"
#include "task/kinds.h"
#include "task/survey.h"

enum {
    TYPO_PERCENT = 95, /* of the cells: if more are numbers (so 20 or more), others are typos */
    FEW = 20,          /* rows up to which no column is taken for an identifier */
    FEW_VALUES = 10,   /* whole numbers up to which a target may be classes */
    ROWS_A_CLASS = 5   /* that it then has on average */
};

struct finding {
    struct schema *s;
    const struct table *t;
    const struct schema_options *o;
    struct survey *survey; /* [columns] */
    bool *ignored;         /* [columns] */
    size_t target;
};

static t2m_status drop(struct finding *f, struct schema_column *c, const char *why)
{
    c->kind = COLUMN_DROPPED;
    c->missing = false;
    c->dropped = arena_text(&f->s->arena, why);
    return c->dropped ? T2M_OK : T2M_ENOMEM;
}

/* ---- numbers ---- */

/* A column of numbers with a cell that is none. hint: what may be done besides correcting it. */
static t2m_status check_numbers(const struct finding *f, size_t column, const char *hint)
{
    const struct survey *s = &f->survey[column];
    const size_t known = survey_known(s);
    char why[192];
    if (s->infinite > 0 && s->numbers + s->infinite == known)
        return table_bad_cell(f->t, s->first_infinite, column,
                              "is infinite, or too large for a model; correct it");
    if (s->numbers == known || 100 * s->numbers <= TYPO_PERCENT * known)
        return T2M_OK;
    snprintf(why, sizeof why,
             "is not a number, but %zu of %zu cells of the column are: probably a typo; correct "
             "it, or %s",
             s->numbers, known, hint);
    return table_bad_cell(f->t, s->first_other, column, why);
}

static bool is_small(char c)
{
    return c >= 'a' && c <= 'z';
}

/* The last word of the name is one for a running number: "id", "Row no.", "PassengerId"; tables
 * written by pandas have such a column with no name or "Unnamed: 0". */
static bool names_a_counter(const char *name)
{
    static const char *const word[] = {"id", "index", "row", "no", "nr"};
    size_t n = strlen(name);
    while (n > 0 && strchr(".: ", name[n - 1]))
        n--;
    if (n == 0 || strncmp(name, "Unnamed: ", 9) == 0)
        return true;
    for (size_t i = 0; i < sizeof word / sizeof *word; i++) {
        const size_t length = strlen(word[i]);
        char end[8] = "";
        if (n < length)
            continue;
        memcpy(end, name + n - length, length);
        const bool begins = n == length || strchr(" _-.:", name[n - length - 1]) ||
                            (is_small(name[n - length - 1]) && !is_small(end[0]));
        if (begins && text_ends(end, word[i]))
            return true;
    }
    return false;
}

static bool is_counter(const struct survey *s, const char *name)
{
    return s->rows > FEW && s->numbers == s->rows && (s->from_0 || s->from_1) &&
           names_a_counter(name);
}

/* ---- categories ---- */

struct counts { /* of the different texts of a column */
    struct words words;
    size_t *count, capacity; /* [words.count] */
    size_t own;              /* rows whose text is in no other row */
};

static t2m_status count_texts(const struct table *t, size_t column, struct counts *n)
{
    for (size_t row = 0; row < t->rows; row++) {
        const char *cell = t->cells[row * t->columns + column];
        if (cell_is_empty(cell))
            continue;
        const size_t before = n->words.count, i = words_add(&n->words, cell);
        if (i == SIZE_MAX ||
            !mem_grow(t->lib, (void **)&n->count, &n->capacity, i + 1, sizeof *n->count))
            return T2M_ENOMEM;
        n->count[i] = i == before ? 1 : n->count[i] + 1;
    }
    for (size_t i = 0; i < n->words.count; i++)
        n->own += n->count[i] == 1;
    return T2M_OK;
}

/* The most frequent ones that are left, by bytes where they are as frequent. */
static t2m_status take_most_frequent(struct finding *f, struct schema_column *c, struct counts *n)
{
    const size_t all = n->words.count;
    c->others = all > SCHEMA_ONE_HOT;
    c->categories = c->others ? SCHEMA_ONE_HOT - 1 : all;
    c->category = arena_new(&f->s->arena, c->categories, sizeof *c->category);
    for (size_t k = 0; k < c->categories && c->category; k++) {
        size_t best = 0;
        for (size_t i = 1; i < all; i++)
            if (n->count[i] > n->count[best] || (n->count[i] == n->count[best] &&
                                                 strcmp(n->words.word[i], n->words.word[best]) < 0))
                best = i;
        n->count[best] = 0;
        if (!(c->category[k] = arena_text(&f->s->arena, n->words.word[best])))
            return T2M_ENOMEM;
    }
    return c->category ? T2M_OK : T2M_ENOMEM;
}

/* A column with one value that is not everywhere keeps the number that says where it is missing: it
 * has one category, which has no output. */
static t2m_status only_missing(struct finding *f, struct schema_column *c, size_t column)
{
    size_t row = 0;
    double v;
    while (!table_value(f->t, row, column, &v))
        row++;
    c->kind = COLUMN_CATEGORY;
    c->categories = 1;
    c->category = arena_new(&f->s->arena, 1, sizeof *c->category);
    if (c->category)
        c->category[0] = arena_text(&f->s->arena, f->t->cells[row * f->t->columns + column]);
    return c->category && c->category[0] ? T2M_OK : T2M_ENOMEM;
}

static t2m_status find_categories(struct finding *f, struct schema_column *c, size_t column)
{
    const struct survey *s = &f->survey[column];
    struct counts n = {.count = NULL};
    words_init(&n.words, f->s->lib);
    c->kind = COLUMN_CATEGORY;
    c->missing = s->empty > 0;
    t2m_status status = count_texts(f->t, column, &n);
    if (status == T2M_OK) {
        if (n.own > FEW && 2 * n.own > s->rows)
            status = drop(f, c, "an identifier");
        else if (n.words.count == 1 && !c->missing)
            status = drop(f, c, "constant");
        else
            status = take_most_frequent(f, c, &n);
    }
    words_clear(&n.words);
    mem_free(f->s->lib, n.count);
    return status;
}

/* ---- one column ---- */

/* A column is of dates if one way to read slashes, and only one, fits all cells. */
static bool find_date(const struct survey *s, struct schema_column *c)
{
    const size_t known = survey_known(s);
    const bool day_first = s->dates[0] == known, month_first = s->dates[1] == known;
    if (day_first == month_first && (!day_first || s->slashes > 0))
        return false;
    c->parts = 0;
    for (int k = 0; k < DATE_PARTS; k++)
        c->parts |= (unsigned)survey_varies(s->part[day_first ? 0 : 1][k]) << k;
    if (c->parts == 0)
        return false;
    c->kind = COLUMN_DATE;
    if (s->slashes > 0)
        c->slashes = day_first ? SLASHES_DAY_FIRST : SLASHES_MONTH_FIRST;
    return true;
}

static t2m_status find_column(struct finding *f, struct schema_column *c, size_t column)
{
    const struct survey *s = &f->survey[column];
    const char *name = f->t->header[column];
    if (!(c->name = arena_text(&f->s->arena, name)))
        return T2M_ENOMEM;
    c->decimal_comma = f->t->decimal_comma[column];
    if (f->ignored[column])
        return drop(f, c, "ignored");
    if (survey_known(s) == 0)
        return drop(f, c, "empty");
    TRY(check_numbers(f, column, "leave out the column with --ignore"));
    c->missing = s->empty + s->words > 0;
    if (survey_is_numbers(s)) {
        c->kind = COLUMN_NUMBER;
        if (is_counter(s, name))
            return drop(f, c, "an identifier");
        if (survey_varies(s->number))
            return T2M_OK;
        return c->missing ? only_missing(f, c, column) : drop(f, c, "constant");
    } else if (survey_is_boolean(s)) {
        c->kind = COLUMN_BOOLEAN;
        return T2M_OK;
    } else if (find_date(s, c)) {
        return T2M_OK;
    }
    return find_categories(f, c, column);
}

/* Why nothing is left, for the first columns. */
static t2m_status nothing_left(const struct finding *f)
{
    char why[256] = "";
    size_t at = 0;
    for (size_t i = 0; i < f->s->count && at < 180; i++) {
        char shown[64];
        const char *name = f->s->column[i].name;
        at += (size_t)snprintf(why + at, sizeof why - at, "%s'%.40s' is %.16s", i ? ", " : ": ",
                               text_shown(name, strlen(name), shown), f->s->column[i].dropped);
    }
    return refuse(f->s->lib, T2M_EDATA, "%.160s: no column is left to learn from beside '%.60s'%s",
                  f->t->name, f->s->target, why);
}

static t2m_status find_columns(struct finding *f)
{
    struct schema *s = f->s;
    s->column = arena_new(&s->arena, f->t->columns, sizeof *s->column);
    if (!s->column)
        return T2M_ENOMEM;
    for (size_t k = 0; k < f->t->columns; k++)
        if (k != f->target)
            TRY(find_column(f, &s->column[s->count++], k));
    kinds_lay_out(s);
    return s->outputs > 0 ? T2M_OK : nothing_left(f);
}

/* ---- the target ---- */

static t2m_status find_ignored(struct finding *f)
{
    f->ignored = mem_new(f->s->lib, f->t->columns, sizeof *f->ignored);
    if (!f->ignored)
        return T2M_ENOMEM;
    for (size_t i = 0; i < f->o->ignored; i++) {
        const int64_t column = table_column(f->t, f->o->ignore[i]);
        if (column < 0)
            return table_no_column(f->t, f->o->ignore[i]);
        f->ignored[column] = true;
    }
    return T2M_OK;
}

static t2m_status name_target(struct finding *f)
{
    struct schema *s = f->s;
    int64_t at = table_column(f->t, f->o->target ? f->o->target : "target");
    if (at < 0 && f->o->target)
        return table_no_column(f->t, f->o->target);
    if (!f->o->target && (at < 0 || f->ignored[at]))
        for (at = (int64_t)f->t->columns - 1; at >= 0 && f->ignored[at];)
            at--;
    if (at < 0 || f->ignored[at])
        return refuse(s->lib, T2M_EUSAGE, "%.160s: the target is among the columns to ignore",
                      f->t->name);
    f->target = (size_t)at;
    s->target = arena_text(&s->arena, f->t->header[at]);
    s->target_decimal_comma = f->t->decimal_comma[at];
    return s->target ? T2M_OK : T2M_ENOMEM;
}

/* Whole numbers, few different ones, each many times. */
static bool are_classes(const struct finding *f)
{
    const size_t most = f->t->rows / ROWS_A_CLASS < 2 ? 2 : f->t->rows / ROWS_A_CLASS;
    double value[FEW_VALUES], v = 0;
    size_t n = 0;
    if (!f->survey[f->target].whole)
        return false;
    for (size_t row = 0; row < f->t->rows; row++) {
        size_t i = 0;
        table_value(f->t, row, f->target, &v);
        while (i < n && value[i] != v)
            i++;
        if (i == FEW_VALUES)
            return false;
        if (i == n)
            value[n++] = v;
    }
    return n <= most;
}

static t2m_status find_target(struct finding *f)
{
    const struct survey *s = &f->survey[f->target];
    const bool numbers = survey_is_numbers(s), truths = survey_is_boolean(s),
               words_too = numbers || truths || survey_known(s) == 0;
    const size_t missing = words_too ? s->first_missing : s->first_empty;
    if (f->o->classes != 1)
        TRY(check_numbers(f, f->target, "give another --target"));
    if (f->o->classes == 0 && !numbers && s->first_other != SIZE_MAX)
        return table_bad_cell(f->t, s->first_other, f->target,
                              "is not a number, so the target cannot be foretold as a value");
    if (missing != SIZE_MAX)
        return classes_missing(f->t, missing, f->target);
    if (f->o->classes == 1 || (f->o->classes != 0 && (!numbers || are_classes(f))))
        return classes_find(f->s, f->t, f->target,
                            numbers  ? CLASSES_NUMBERS
                            : truths ? CLASSES_TRUTHS
                                     : CLASSES_TEXT);
    if (survey_varies(s->number))
        return T2M_OK;
    return table_bad_cell(
        f->t, 0, f->target,
        "is the target of all rows, to 7 digits, so there is nothing to learn; give another "
        "--target");
}

/* ---- all ---- */

static t2m_status find(struct finding *f)
{
    TRY(find_ignored(f));
    TRY(name_target(f));
    TRY(survey_table(f->t, &f->survey));
    TRY(find_target(f));
    return find_columns(f);
}

t2m_status schema_find(t2m *lib, struct schema **out, const struct table *t,
                       const struct schema_options *o)
{
    static const struct schema_options none = {.classes = -1};
    struct schema *s = mem_new(lib, 1, sizeof *s);
    if (!s)
        return T2M_ENOMEM;
    struct finding f = {.s = s, .t = t, .o = o ? o : &none};
    s->lib = lib;
    arena_init(&s->arena, lib);
    const t2m_status status = find(&f);
    mem_free(lib, f.survey);
    mem_free(lib, f.ignored);
    if (status == T2M_OK)
        *out = s;
    else
        schema_free(s);
    return status;
}

void schema_free(struct schema *s)
{
    if (!s)
        return;
    t2m *lib = s->lib;
    arena_clear(&s->arena);
    mem_free(lib, s);
}

/* Columns that were dropped begin where the next one does, so the last that begins is it. */
const struct schema_column *schema_source(const struct schema *s, size_t output)
{
    size_t low = 0, high = s->count;
    while (high - low > 1) {
        const size_t middle = (low + high) / 2;
        if (s->column[middle].first <= output)
            low = middle;
        else
            high = middle;
    }
    return &s->column[low];
}

void schema_output_name(const struct schema *s, size_t output, char out[128])
{
    char shown[64], label[80] = "";
    const struct schema_column *c = schema_source(s, output);
    const size_t i = output - c->first, values = c->outputs - c->missing;
    if (i < values)
        kinds[c->kind].label(c, i, label);
    snprintf(out, 128, "%s%s", text_shown(c->name, strlen(c->name), shown),
             i < values ? label : " is missing");
}
