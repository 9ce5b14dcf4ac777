/* parts.c: phi, all that meta-training changes, as one flat vector: theta0, then what the method
 * needs besides. */
#include <math.h>

#include "mapping/learner.h"

static bool is_images(const struct t2m_learner *l)
{
    return l->kind == FAMILY_IMAGES;
}

/* The head of pictures where t is used: made for each class from its features. */
static bool class_heads(const struct t2m_learner *l)
{
    return l->method->head == HEAD_LEARNED && l->method->represent && is_images(l);
}

size_t learner_theta(const struct t2m_learner *l)
{
    return l->method->head == HEAD_LEARNED && !class_heads(l) ? l->layout.numel : l->layout.body;
}

bool learner_ways_fixed(const struct t2m_learner *l)
{
    return is_images(l) && l->method->head == HEAD_LEARNED && !class_heads(l);
}

bool learner_chooses(const struct t2m_learner *l)
{
    return l->method->head == HEAD_CLOSED;
}

struct representation learner_representation(const struct t2m_learner *l)
{
    return (struct representation){
        .parts = l->represent,
        .classes = is_images(l),
        .features = is_images(l) ? l->layout.features : structure_input_size(&l->structure),
        .examples = l->shots,
        .probe = decode_probe_size(l->method->decode, &l->layout, learner_theta(l))};
}

size_t learner_t_size(const struct t2m_learner *l)
{
    const struct representation r = learner_representation(l);
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

static void lay_out(struct t2m_learner *l)
{
    const struct method *m = l->method;
    structure_layout(&l->structure, &l->layout);
    l->parts = l->layout;
    const size_t theta = learner_theta(l);
    if (theta < l->layout.numel) {
        l->parts.count -= 2;
        l->parts.numel = l->layout.body;
    }
    const int64_t weights = (int64_t)theta;
    if (m->learned_rates && m->tuned == TUNE_CODE_THEN_WEIGHTS) {
        layout_add(&l->parts, "rates.code", 0, NULL, 0, l->rate);
        layout_add(&l->parts, "rates.weights", 0, NULL, 0, 0.1 * l->rate);
    } else if (m->learned_rates) {
        layout_add(&l->parts, "rates", 1, &weights, 0, l->rate);
    }
    if (m->head == HEAD_RIDGE || (m->head == HEAD_CLOSED && !is_images(l))) {
        layout_add(&l->parts, "ridge.log_penalty", 0, NULL, 0, 0);
        if (m->head == HEAD_RIDGE)
            layout_add(&l->parts, "ridge.scale", 0, NULL, 0, is_images(l) ? 10 : 1);
    }
    if (learner_chooses(l))
        layout_add(&l->parts, "choice.shared", 0, NULL, 0, 1);
    decode_layout(m->decode, &l->layout, theta, &l->parts);
    if (!m->represent)
        return;
    const struct representation r = learner_representation(l);
    const int64_t features = (int64_t)l->layout.features;
    represent_layout(&r, &l->parts);
    if (class_heads(l))
        add_generator(&l->parts, class_generator, features, features + 1, 0.01);
    if (m->decode != DECODE_ALL || !is_images(l))
        add_generator(&l->parts, code_generator, (int64_t)represent_size(&r),
                      (int64_t)decode_code_size(m->decode, theta),
                      m->decode == DECODE_ALL ? 0.01 : 0.1);
}

void learner_start_phi(const struct t2m_learner *l, uint64_t seed, uint64_t number, float *phi)
{
    struct random r = random_stream(seed, 2, number);
    layout_start(&l->parts, &r, phi);
}

void learner_start_statistics(const struct t2m_learner *l, float *statistics)
{
    for (size_t i = 0, at = 0; l->layout.statistics && i < (size_t)l->structure.layers; i++) {
        const size_t width = (size_t)l->structure.hidden[i];
        for (size_t k = 0; k < width; k++) {
            statistics[at + k] = 0;
            statistics[at + width + k] = 1;
        }
        at += 2 * width;
    }
}

t2m_status learner_start(struct t2m_learner *l, uint64_t seed)
{
    TRY(structure_check(l->lib, &l->structure));
    lay_out(l);
    l->phi = mem_new(l->lib, l->parts.numel, sizeof *l->phi);
    l->statistics = mem_new(l->lib, l->layout.statistics, sizeof *l->statistics);
    if (!l->phi || !l->statistics)
        return T2M_ENOMEM;
    learner_start_phi(l, seed, 0, l->phi);
    learner_start_statistics(l, l->statistics);
    l->seed = seed;
    return T2M_OK;
}
