/* fuzz_wordpiece.c: any bytes as a vocabulary, up to the first empty line, and then as a text. */
#include "fuzz.h"

#include <string.h>

#include "files/wordpiece.h"

static void need(bool good)
{
    if (!good)
        abort();
}

static void encode(struct wordpiece *w, const char *text)
{
    enum { MOST = 64 };
    int32_t id[MOST];
    for (size_t most = 2; most <= MOST; most += 31) {
        const size_t n = wordpiece_encode(w, text, id, most);
        need(n >= 2 && n <= most);
        need(id[0] == w->special[PIECE_CLS] && id[n - 1] == w->special[PIECE_SEP]);
        for (size_t i = 0; i < n; i++)
            need(id[i] >= 0 && (size_t)id[i] < w->pieces.count);
    }
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
    char *text = calloc(n + 1, 1);
    struct wordpiece *w;
    if (n)
        memcpy(text, data, n);
    const char *split = strstr(text, "\n\n");
    const size_t length = split ? (size_t)(split - text) + 1 : n;
    const struct bytes file = {(unsigned char *)text, length};
    if (wordpiece_parse(fuzz_library(), &file, "fuzz", &w) == T2M_OK) {
        for (int rules = 0; rules < 8; rules++) {
            w->lower = rules & 1;
            w->strip_accents = rules & 2;
            w->split_chinese = rules & 4;
            encode(w, text + length);
        }
        wordpiece_free(w);
    }
    free(text);
    return 0;
}
