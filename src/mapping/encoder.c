/* encoder.c: runs an encoder. Texts are cut into pieces and sorted by how many these are; a length
 * is rounded up to one of a few, and texts of one rounded length go through one plan in batches of
 * a power of two. Invariant: a text's numbers depend on its own rounded length alone, since what is
 * filled up counts nothing, and rows of a batch do not meet. */
#include "mapping/encoder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "engine/compute/pool.h"
#include "mapping/encoder_files.h"
#include "task2model/graph.h"

enum {
    PORTION = 4096,     /* texts that are cut at a time: bounds their pieces to some 10 MiB */
    BATCH_PIECES = 256, /* of a batch, if texts are shorter: rows enough for products to be quick */
    INPUTS = 3          /* of a batch: piece, bias, share */
};
#define FILLED_UP (-1e9F) /* a logit whose exponential is 0 beside any other */

struct program { /* kept: texts of one rounded length, so many at a time */
    size_t length, texts;
    t2m_plan *plan;
};

struct encoder {
    t2m *lib;
    struct encoder_files files;
    uint64_t fingerprint;
    struct program *program; /* [programs] */
    size_t programs, capacity;
};

t2m_status encoder_open(t2m *lib, struct encoder **out, const char *folder)
{
    struct encoder *e = mem_new(lib, 1, sizeof *e);
    if (!e)
        return T2M_ENOMEM;
    e->lib = lib;
    const t2m_status status = encoder_files_read(&e->files, lib, folder);
    if (status != T2M_OK) {
        encoder_free(e);
        return status;
    }
    e->fingerprint = encoder_files_fingerprint(&e->files);
    *out = e;
    return T2M_OK;
}

void encoder_free(struct encoder *e)
{
    if (!e)
        return;
    for (size_t i = 0; i < e->programs; i++)
        t2m_plan_free(e->program[i].plan);
    mem_free(e->lib, e->program);
    encoder_files_close(&e->files);
    mem_free(e->lib, e);
}

size_t encoder_width(const struct encoder *e)
{
    return (size_t)e->files.shape.width;
}

uint64_t encoder_fingerprint(const struct encoder *e)
{
    return e->fingerprint;
}

/* ---- programs ---- */

/* Appends the inputs for the weights, then those for a batch; returns how many. */
static size_t add_inputs(const struct encoder *e, t2m_graph *g, struct bert_batch *batch,
                         t2m_value *part, t2m_value *in)
{
    const size_t parts = bert_parts(&e->files.shape);
    const int64_t dim[] = {batch->texts, batch->length};
    size_t n = 0;
    for (size_t i = 0; i < parts; i++) {
        struct bert_part p;
        bert_part_of(&e->files.shape, i, &p);
        const int64_t turned[] = {p.dim[1], p.dim[0]};
        if (e->files.part[i])
            in[n++] = part[i] = t2m_input(g, p.name, p.rank, p.turned ? turned : p.dim);
    }
    in[n++] = batch->piece = t2m_input(g, "piece", 2, dim);
    in[n++] = batch->bias = t2m_input(g, "bias", 2, dim);
    in[n++] = batch->share = t2m_input(g, "share", 2, dim);
    return n;
}

static t2m_status compile(const struct encoder *e, struct program *p)
{
    const size_t parts = bert_parts(&e->files.shape);
    struct bert_batch batch = {.texts = (int64_t)p->texts, .length = (int64_t)p->length};
    t2m_plan_options options = T2M_PLAN_OPTIONS_INIT;
    t2m_graph *g = NULL;
    t2m_value *value = mem_new(e->lib, 2 * parts + INPUTS, sizeof *value), *in = value + parts;
    options.parallel = true; /* threads share its steps where it runs alone */
    t2m_status status = value ? t2m_graph_new(e->lib, &g) : T2M_ENOMEM;
    if (status == T2M_OK) {
        const size_t n = add_inputs(e, g, &batch, value, in);
        const t2m_value y = bert_vectors(g, &e->files.shape, value, &batch);
        status = t2m_compile(g, in, n, &y, 1, &options, &p->plan);
        t2m_graph_free(g);
    }
    mem_free(e->lib, value);
    return status;
}

/* Makes it, if it is not there yet. */
static t2m_status find_program(struct encoder *e, size_t length, size_t texts, t2m_plan **out)
{
    struct program p = {length, texts, NULL};
    for (size_t i = 0; i < e->programs; i++)
        if (e->program[i].length == length && e->program[i].texts == texts) {
            *out = e->program[i].plan;
            return T2M_OK;
        }
    if (!mem_grow(e->lib, (void **)&e->program, &e->capacity, e->programs + 1, sizeof p))
        return T2M_ENOMEM;
    TRY(compile(e, &p));
    e->program[e->programs++] = p;
    *out = p.plan;
    return T2M_OK;
}

/* ---- texts ---- */

struct item { /* a text of a portion */
    size_t number, first, length;
};

struct portion {
    struct encoder *e;
    const char *const *text;
    float *out; /* [texts, width] */
    struct item *item;
    int32_t *id; /* the pieces of all, one text behind the other */
    size_t ids, capacity;
};

/* n rounded up: four lengths for each doubling, at least 4 apart; at most that of the model. */
static size_t rounded_length(const struct encoder *e, size_t n)
{
    size_t step = 4;
    while (8 * step < n)
        step *= 2;
    n = (n + step - 1) / step * step;
    return n < (size_t)e->files.shape.positions ? n : (size_t)e->files.shape.positions;
}

static int by_length(const void *p, const void *q)
{
    const struct item *a = p, *b = q;
    if (a->length != b->length)
        return a->length < b->length ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}

static t2m_status cut_texts(struct portion *p, size_t n)
{
    const struct encoder *e = p->e;
    for (size_t i = 0; i < n; i++) {
        const char *s = p->text[i];
        if (!mem_grow(e->lib, (void **)&p->id, &p->capacity, p->ids + e->files.most, sizeof *p->id))
            return T2M_ENOMEM;
        const size_t length = wordpiece_encode(e->files.words, s, p->id + p->ids, e->files.most);
        p->item[i] = (struct item){i, p->ids, length};
        p->ids += length;
    }
    qsort(p->item, n, sizeof *p->item, by_length);
    return T2M_OK;
}

/* ---- batches ---- */

/* Where a batch runs: a plan's memory, and room for its arrays. */
struct place {
    t2m_workspace *workspace;
    float *room; /* [INPUTS, texts, length] and [texts, width] */
    const void **in;
};

struct batches { /* count batches of `texts` texts each */
    struct portion *p;
    const struct item *item;
    size_t count, texts, length;
    t2m_plan *plan;
    struct place *place;
    size_t places;
};

/* The arrays of a batch from its texts, to the room of the place. */
static void fill_batch(const struct batches *b, const struct item *item, float *room)
{
    const size_t all = b->texts * b->length;
    float *piece = room, *bias = room + all, *share = room + 2 * all;
    const bool first = b->p->e->files.first;
    for (size_t i = 0; i < all; i++) {
        const struct item *text = &item[i / b->length];
        const size_t at = i % b->length;
        const bool there = at < text->length;
        const float mean = 1 / (float)text->length;
        piece[i] = there ? (float)b->p->id[text->first + at] : 0;
        bias[i] = there ? 0 : FILLED_UP;
        share[i] = first ? (float)(at == 0) : there ? mean : 0;
    }
}

static void run_batch(void *ctx, size_t job, size_t worker)
{
    const struct batches *b = ctx;
    const struct item *item = b->item + job * b->texts;
    const size_t all = b->texts * b->length, width = encoder_width(b->p->e);
    struct place *place = &b->place[b->places == b->count ? job : worker];
    float *result = place->room + INPUTS * all;
    void *out = result;
    fill_batch(b, item, place->room);
    t2m_run(b->plan, place->workspace, place->in, &out);
    for (size_t i = 0; i < b->texts; i++)
        memcpy(b->p->out + item[i].number * width, result + i * width, width * sizeof *result);
}

static t2m_status open_place(const struct batches *b, struct place *place)
{
    const struct encoder_files *f = &b->p->e->files;
    const size_t parts = bert_parts(&f->shape), all = b->texts * b->length;
    size_t n = 0;
    place->in = mem_new(f->lib, parts + INPUTS, sizeof *place->in);
    place->room =
        mem_new(f->lib, INPUTS * all + b->texts * (size_t)f->shape.width, sizeof *place->room);
    if (!place->in || !place->room)
        return T2M_ENOMEM;
    for (size_t i = 0; i < parts; i++)
        if (f->part[i])
            place->in[n++] = f->part[i];
    for (size_t i = 0; i < INPUTS; i++)
        place->in[n++] = place->room + i * all;
    return t2m_workspace_new(b->plan, &place->workspace);
}

/* As many places as there are threads, or a place for each batch if these are fewer. */
static t2m_status run_batches(struct batches *b)
{
    struct encoder *e = b->p->e;
    const size_t threads = pool_size(e->lib->pool);
    t2m_status status = T2M_OK;
    TRY(find_program(e, b->length, b->texts, &b->plan));
    b->places = b->count < threads ? b->count : threads;
    b->place = mem_new(e->lib, b->places, sizeof *b->place);
    if (!b->place)
        return T2M_ENOMEM;
    for (size_t i = 0; i < b->places && status == T2M_OK; i++)
        status = open_place(b, &b->place[i]);
    if (status == T2M_OK)
        pool_run(e->lib->pool, b->count, run_batch, b);
    for (size_t i = 0; i < b->places; i++) {
        t2m_workspace_free(b->place[i].workspace);
        mem_free(e->lib, b->place[i].in);
        mem_free(e->lib, b->place[i].room);
    }
    mem_free(e->lib, b->place);
    return status;
}

/* n texts of one rounded length: full batches, then one of each smaller power of two. */
static t2m_status run_length(struct portion *p, const struct item *item, size_t n)
{
    const size_t length = rounded_length(p->e, item->length);
    size_t texts = 1;
    while (2 * texts * length <= BATCH_PIECES)
        texts *= 2;
    for (; texts > 0 && n > 0; texts /= 2) {
        struct batches b = {
            .p = p, .item = item, .count = n / texts, .texts = texts, .length = length};
        if (b.count)
            TRY(run_batches(&b));
        item += b.count * texts;
        n -= b.count * texts;
    }
    return T2M_OK;
}

static t2m_status run_portion(struct portion *p, size_t n)
{
    TRY(cut_texts(p, n));
    for (size_t i = 0, end; i < n; i = end) {
        const size_t length = rounded_length(p->e, p->item[i].length);
        for (end = i; end < n && rounded_length(p->e, p->item[end].length) == length;)
            end++;
        TRY(run_length(p, p->item + i, end - i));
    }
    return T2M_OK;
}

/* ---- all ---- */

static t2m_status check_texts(const struct encoder *e, const char *const *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const size_t length = strlen(text[i]), fault = text_utf8_fault(text[i], length);
        if (fault != length)
            return refuse(e->lib, T2M_EDATA, "text %zu: byte %zu is not UTF-8", i + 1, fault + 1);
    }
    return T2M_OK;
}

static t2m_status check_vectors(const struct encoder *e, const float *out, size_t n)
{
    const size_t width = encoder_width(e);
    for (size_t i = 0; i < n * width; i++)
        if (!isfinite(out[i]))
            return refuse(e->lib, T2M_EDATA,
                          "the encoder gives numbers that are not finite (text %zu): its weights "
                          "are damaged, or too large for float",
                          i / width + 1);
    return T2M_OK;
}

t2m_status encoder_run(struct encoder *e, const char *const *text, size_t n, float *out)
{
    const size_t most = n < PORTION ? n : PORTION;
    struct portion p = {.e = e};
    t2m_status status = check_texts(e, text, n);
    if (status == T2M_OK && !(p.item = mem_new(e->lib, most, sizeof *p.item)))
        status = T2M_ENOMEM;
    for (size_t i = 0; i < n && status == T2M_OK; i += PORTION) {
        p.text = text + i;
        p.out = out + i * encoder_width(e);
        p.ids = 0;
        status = run_portion(&p, n - i < PORTION ? n - i : PORTION);
    }
    mem_free(e->lib, p.item);
    mem_free(e->lib, p.id);
    return status == T2M_OK ? check_vectors(e, out, n) : status;
}

/* ---- texts of a handle ---- */

static t2m_status run_any(void *ctx, const char *const *text, size_t n, float *out)
{
    return encoder_run(ctx, text, n, out);
}

static void free_any(void *ctx)
{
    encoder_free(ctx);
}

t2m_status t2m_encoder_use(t2m *lib, const char *folder)
{
    struct encoder *e;
    TRY(encoder_open(lib, &e, folder));
    if (lib->encoder.free)
        lib->encoder.free(lib->encoder.ctx);
    lib->encoder =
        (struct text_encoder){e, encoder_width(e), encoder_fingerprint(e), run_any, free_any};
    return T2M_OK;
}
