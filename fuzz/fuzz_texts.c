/* fuzz_texts.c: any bytes as labelled texts: the first byte chooses the form and the options; as a
 * line of a stream too. */
#include "fuzz.h"

#include <string.h>
#include <unistd.h>

#include "files/texts.h"

/* What is read must hold together. */
static void check(const struct texts *t)
{
    size_t labels = 0;
    for (size_t i = 0; i < t->n; i++) {
        const struct text_item *x = &t->item[i];
        if (strlen(x->text) != x->length || x->label_first != labels)
            abort();
        labels += x->label_count;
    }
    for (size_t i = 0; i < t->labels; i++)
        if (t->label[i] >= t->classes)
            abort();
    if (labels != t->labels)
        abort();
}

static void read_line(const unsigned char *data, size_t n)
{
    struct text out;
    const struct text_line line = {"fuzz", 1, (const char *)data, n, NULL};
    text_init(&out, fuzz_library());
    if (text_line_read(&line, &out) == T2M_OK && strlen(out.data) != out.length)
        abort();
    text_clear(&out);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
    static const char *const end[] = {"jsonl", "csv", "txt", "tsv"};
    char path[64];
    const char *const paths[] = {path};
    struct texts *t;
    if (n == 0)
        return 0;
    const struct text_options o = {.values = data[0] & 4, .unlabelled = data[0] & 8};
    snprintf(path, sizeof path, "/tmp/t2m-fuzz-texts-%d.%s", (int)getpid(), end[data[0] & 3]);
    FILE *f = fopen(path, "wb");
    if (!f)
        return 0;
    fwrite(data + 1, 1, n - 1, f);
    fclose(f);
    if (texts_open(fuzz_library(), &t, paths, 1, &o) == T2M_OK) {
        check(t);
        texts_free(t);
    }
    unlink(path);
    read_line(data + 1, n - 1);
    return 0;
}
