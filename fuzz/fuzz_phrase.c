/* fuzz_phrase.c: any bytes as a text: the features are in order, as many as counted, and those of
 * the words in order. */
#include "fuzz.h"

#include "task/phrase.h"

static size_t check_features(const struct phrase *p)
{
    size_t sum = 0;
    for (size_t i = 0; i < p->n; i++) {
        if (p->feature[i].count == 0 || (i > 0 && p->feature[i - 1].hash >= p->feature[i].hash))
            abort();
        sum += p->feature[i].kind & PHRASE_PARTS ? p->feature[i].count : 0;
    }
    return sum;
}

static size_t check_words(const struct phrase *p)
{
    size_t parts = 0, end = 0;
    for (size_t i = 0; i < p->words; i++) {
        if (p->word[i].length == 0 || p->word[i].at < end || p->word[i].part != parts)
            abort();
        end = p->word[i].at + p->word[i].length;
        parts += p->word[i].parts;
    }
    return parts;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
    struct phrase p;
    phrase_init(&p, fuzz_library());
    if (phrase_make(&p, (const char *)data, n, PHRASE_ALL) == T2M_OK) {
        const size_t parts = check_features(&p), words = p.words;
        if (phrase_words(&p, (const char *)data, n, PHRASE_PARTS) != T2M_OK || p.words != words ||
            p.parts != parts || check_words(&p) != parts)
            abort();
    }
    phrase_clear(&p);
    return 0;
}
