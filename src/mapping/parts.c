/* parts.c: phi, all that meta-training changes, as one flat vector: theta0, then what the method
 * needs besides. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "files/safetensors.h"
#include "mapping/tables.h"
#include "task/mask_statistics.h"

static bool has_classes(const struct t2m_learner *l)
{
    return kind_has_classes(l->kind);
}

/* The head of pictures where t is used: made for each class from its features. */
static bool class_heads(const struct t2m_learner *l)
{
    return l->method->head == HEAD_LEARNED && l->method->represent && has_classes(l);
}

void learner_method(struct t2m_learner *l, const struct method *m)
{
    l->method = m;
    l->represent = m->represent;
    l->decode = m->decode;
    l->tuned = m->tuned;
}

/* ---- candidates ---- */

const struct structure *learner_structure(const struct t2m_learner *l)
{
    return &l->candidate[0].structure;
}

size_t learner_input_size(const struct t2m_learner *l)
{
    return structure_input_size(learner_structure(l));
}

void learner_structures_text(const struct t2m_learner *l, char out[STRUCTURES_TEXT])
{
    int at = 0;
    for (size_t i = 0; i < l->candidates; i++) {
        char one[96];
        structure_text(&l->candidate[i].structure, one);
        at += snprintf(out + at, (size_t)(STRUCTURES_TEXT - at), "%s%s", i ? "+" : "", one);
    }
}

/* One name of the list, which has to be another structure than those before it. */
static t2m_status take_structure(struct t2m_learner *l, const char *text, size_t length,
                                 const struct structure *like)
{
    char one[96], other[96];
    struct structure s;
    snprintf(one, sizeof one, "%.*s", (int)(length < sizeof one ? length : sizeof one - 1), text);
    TRY(structure_parse(l->lib, one, &s));
    s.height = like->height;
    s.width = like->width;
    s.channels = like->channels;
    s.outputs = like->outputs;
    TRY(structure_check(l->lib, &s));
    structure_text(&s, one);
    for (size_t i = 0; i < l->candidates; i++) {
        structure_text(&l->candidate[i].structure, other);
        if (strcmp(one, other) == 0)
            return refuse(l->lib, T2M_EUSAGE, "the structure %s is named twice", one);
    }
    l->candidate[l->candidates++].structure = s;
    return T2M_OK;
}

static size_t size_of(const struct structure *s)
{
    struct layout l;
    structure_layout(s, &l);
    return l.numel;
}

t2m_status learner_structures(struct t2m_learner *l, const char *text, const struct structure *like)
{
    l->candidates = 0;
    l->candidate = mem_new(l->lib, MAX_CANDIDATES, sizeof *l->candidate);
    if (!l->candidate)
        return T2M_ENOMEM;
    for (const char *p = text;; p++) {
        const size_t length = strcspn(p, "+");
        if (l->candidates == MAX_CANDIDATES)
            return refuse(l->lib, T2M_EUSAGE, "at most %d structures, not '%.100s'", MAX_CANDIDATES,
                          text);
        TRY(take_structure(l, p, length, like));
        p += length;
        if (!*p)
            break;
    }
    size_t written = 0;
    for (size_t i = 0; i < l->candidates; i++) {
        char one[96];
        structure_text(&l->candidate[i].structure, one);
        written += strlen(one) + 1;
    }
    if (written > STRUCTURES_TEXT)
        return refuse(l->lib, T2M_EUSAGE, "the names of the structures are too long together");
    for (size_t i = 1; i < l->candidates; i++)
        for (size_t k = i;
             k > 0 && size_of(&l->candidate[k].structure) < size_of(&l->candidate[k - 1].structure);
             k--) {
            const struct structure s = l->candidate[k].structure;
            l->candidate[k].structure = l->candidate[k - 1].structure;
            l->candidate[k - 1].structure = s;
        }
    return T2M_OK;
}

/* ---- parts ---- */

size_t learner_theta(const struct t2m_learner *l, const struct candidate *c)
{
    return l->method->head == HEAD_LEARNED && !class_heads(l) ? c->layout.numel : c->layout.body;
}

bool learner_ways_fixed(const struct t2m_learner *l)
{
    return has_classes(l) && l->method->head == HEAD_LEARNED && !class_heads(l);
}

bool learner_chooses(const struct t2m_learner *l)
{
    return l->method->head == HEAD_CLOSED && l->kind != FAMILY_TABLES;
}

struct representation learner_representation(const struct t2m_learner *l, const struct candidate *c)
{
    return (struct representation){
        .parts = l->represent,
        .classes = has_classes(l),
        .features = has_classes(l) ? c->layout.features : learner_input_size(l),
        .examples = l->shots,
        .probe = decode_probe_size(l->decode, &c->layout, learner_theta(l, c))};
}

size_t learner_t_size(const struct t2m_learner *l)
{
    if (l->kind == FAMILY_TABLES)
        return l->candidate->structure.kind == NN_LINEAR ? 0 : TABLE_T;
    if (l->kind == FAMILY_MASKS)
        return MASK_T;
    if (!l->method->represent)
        return 0;
    const struct representation r = learner_representation(l, &l->candidate[l->candidates - 1]);
    return represent_size(&r);
}

/* Two layers and a way past them: inputs -> outputs. */
static void add_generator(struct layout *l, const char *const name[4], int64_t in, int64_t out,
                          double spread)
{
    const int64_t width = DECODER_WIDTH;
    layout_add(l, name[0], 2, (const int64_t[]){in, width}, sqrt(6.0 / (double)in), 0);
    layout_add(l, name[1], 1, &width, 0, 0);
    layout_add(l, name[2], 2, (const int64_t[]){width, out}, spread, 0);
    layout_add(l, name[3], 2, (const int64_t[]){in, out}, spread, 0);
}

const char *const code_generator[4] = {"decoder.weight1", "decoder.bias1", "decoder.weight2",
                                       "decoder.skip"};
const char *const class_generator[4] = {"class.weight1", "class.bias1", "class.weight2",
                                        "class.skip"};

const char *const choice_generator[4] = {"choice.weight1", "choice.bias1", "choice.weight2",
                                         "choice.skip"};

t2m_value generator_run(t2m_graph *g, const struct layout *parts, t2m_value phi,
                        const char *const name[4], t2m_value x)
{
    t2m_value w[4];
    for (int i = 0; i < 4; i++)
        w[i] = layout_take(g, parts, phi, name[i]);
    const t2m_value hidden = t2m_relu(g, nn_linear(g, x, w[0], w[1]));
    return t2m_add(g, t2m_matmul(g, hidden, w[2]), t2m_matmul(g, x, w[3]));
}

t2m_value generator_squash(t2m_graph *g, t2m_value x)
{
    return t2m_mul(g, x, t2m_rsqrt(g, t2m_add(g, t2m_square(g, x), t2m_constant(g, 1))));
}

static void lay_out_candidate(const struct t2m_learner *l, struct candidate *c)
{
    const struct method *m = l->method;
    structure_layout(&c->structure, &c->layout);
    if (l->kind == FAMILY_TABLES) {
        table_layout(&c->structure, &c->parts);
        return;
    }
    c->parts = c->layout;
    const size_t theta = learner_theta(l, c);
    if (theta < c->layout.numel) {
        c->parts.count -= 2;
        c->parts.numel = c->layout.body;
    }
    const int64_t weights = (int64_t)theta;
    if (m->learned_rates && m->tuned == TUNE_CODE_THEN_WEIGHTS) {
        layout_add(&c->parts, "rates.code", 0, NULL, 0, l->rate);
        layout_add(&c->parts, "rates.weights", 0, NULL, 0, 0.1 * l->rate);
    } else if (m->learned_rates) {
        layout_add(&c->parts, "rates", 1, &weights, 0, l->rate);
    }
    if (m->head == HEAD_RIDGE && l->kind == FAMILY_MASKS) { /* of features near 1 in size */
        layout_add(&c->parts, "ridge.log_penalty", 0, NULL, 0, log(0.01));
        layout_add(&c->parts, "ridge.log_scale", 0, NULL, 0, log(4));
        layout_add(&c->parts, "ridge.bias", 0, NULL, 0, 0);
        layout_add(&c->parts, "ridge.share", 0, NULL, 0, 0);
    } else if (m->head == HEAD_RIDGE || (m->head == HEAD_CLOSED && !has_classes(l))) {
        const int64_t of_head = (int64_t)c->layout.features + 1;
        layout_add(&c->parts, "ridge.log_penalty", 0, NULL, 0, 0);
        if (has_classes(l)) {
            layout_add(&c->parts, "ridge.scale", 0, NULL, 0, 10);
        } else {
            layout_add(&c->parts, "ridge.mean", 1, &of_head, 0, 0);
            layout_add(&c->parts, "ridge.log_scale", 1, &of_head, 0, 0);
        }
    }
    if (learner_chooses(l))
        layout_add(&c->parts, "choice.shared", 0, NULL, 0, 1);
    decode_layout(l->decode, &c->layout, theta, &c->parts);
    if (!m->represent)
        return;
    const struct representation r = learner_representation(l, c);
    const int64_t features = (int64_t)c->layout.features;
    represent_layout(&r, &c->parts);
    if (class_heads(l))
        add_generator(&c->parts, class_generator, features, features + 1, 0.01);
    if (l->decode != DECODE_ALL || !has_classes(l))
        add_generator(&c->parts, code_generator, (int64_t)represent_size(&r),
                      (int64_t)decode_code_size(l->decode, theta),
                      l->decode == DECODE_ALL ? 0.01 : 0.1);
}

/* Candidates one after the other, then how much t speaks for each. */
static void lay_out(struct t2m_learner *l)
{
    l->numel = l->norms = 0;
    for (size_t i = 0; i < l->candidates; i++) {
        struct candidate *c = &l->candidate[i];
        lay_out_candidate(l, c);
        c->at = l->numel;
        c->statistics_at = l->norms;
        l->numel += c->parts.numel;
        l->norms += c->layout.statistics;
    }
    l->chooser = (struct layout){0};
    if (l->candidates > 1) {
        const int64_t t = (int64_t)learner_t_size(l), n = (int64_t)l->candidates;
        add_generator(&l->chooser, choice_generator, t, n, 0.01);
        layout_add(&l->chooser, "choice.trust", 0, NULL, 0, 1);
    }
    l->numel += l->chooser.numel;
}

void learner_start_phi(const struct t2m_learner *l, uint64_t seed, uint64_t number, float *phi)
{
    struct random r = random_stream(seed, 2, number);
    for (size_t i = 0; i < l->candidates; i++)
        layout_start(&l->candidate[i].parts, &r, phi + l->candidate[i].at);
    layout_start(&l->chooser, &r, phi + l->numel - l->chooser.numel);
}

void learner_start_statistics(const struct t2m_learner *l, float *statistics)
{
    for (size_t k = 0; k < l->candidates; k++) {
        const struct layout *of = &l->candidate[k].layout;
        float *to = statistics + l->candidate[k].statistics_at;
        for (size_t i = 0; i < of->count; i++)
            for (size_t n = 0; of->parameter[i].norm && n < 2 * of->parameter[i].count; n++)
                *to++ = n < of->parameter[i].count ? 0 : 1;
    }
}

t2m_status learner_room(struct t2m_learner *l)
{
    for (size_t i = 0; i < l->candidates; i++)
        TRY(structure_check(l->lib, &l->candidate[i].structure));
    lay_out(l);
    l->phi = mem_new(l->lib, l->numel, sizeof *l->phi);
    l->statistics = mem_new(l->lib, l->norms, sizeof *l->statistics);
    return l->phi && l->statistics ? T2M_OK : T2M_ENOMEM;
}

t2m_status learner_start(struct t2m_learner *l, uint64_t seed)
{
    TRY(learner_room(l));
    learner_start_phi(l, seed, 0, l->phi);
    learner_start_statistics(l, l->statistics);
    l->seed = seed;
    return T2M_OK;
}

void learner_round(struct t2m_learner *l)
{
    for (size_t k = 0; k < l->candidates; k++) {
        const struct candidate *c = &l->candidate[k];
        for (size_t i = 0; i < c->parts.count; i++)
            if (c->parts.parameter[i].coarse)
                safetensors_round(l->phi + c->at + c->parts.parameter[i].offset,
                                  c->parts.parameter[i].count);
    }
}

/* ---- from another learner ---- */

/* The tensors that both have. */
static void copy_share(const struct layout *l, float *to, const struct layout *l_from,
                       const float *from)
{
    for (size_t i = 0; i < l->count; i++)
        for (size_t k = 0; k < l_from->count; k++) {
            const struct parameter *p = &l->parameter[i], *q = &l_from->parameter[k];
            if (strcmp(p->name, q->name) == 0 && p->count == q->count)
                memcpy(to + p->offset, from + q->offset, p->count * sizeof(float));
        }
}

t2m_status learner_copy(struct t2m_learner *l, const struct t2m_learner *from)
{
    char here[STRUCTURES_TEXT], there[STRUCTURES_TEXT];
    learner_structures_text(l, here);
    learner_structures_text(from, there);
    const size_t body = l->candidate[0].layout.body, other = from->candidate[0].layout.body;
    if (strcmp(here, there) != 0 || body != other || l->kind != from->kind)
        return refuse(l->lib, T2M_EUSAGE,
                      "--from: that learner is %s with %zu numbers before the head, this training "
                      "is for %s with %zu",
                      there, other, here, body);
    for (size_t i = 0; i < l->candidates; i++)
        copy_share(&l->candidate[i].parts, l->phi + l->candidate[i].at, &from->candidate[i].parts,
                   from->phi + from->candidate[i].at);
    copy_share(&l->chooser, l->phi + l->numel - l->chooser.numel, &from->chooser,
               from->phi + from->numel - from->chooser.numel);
    memcpy(l->statistics, from->statistics, l->norms * sizeof(float));
    return T2M_OK;
}
