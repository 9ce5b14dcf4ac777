/* structures.c: the kinds of models, one row each: what its layers are called and how they are
 * computed. To add a kind, add a row. */
#include "nn/nn.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- layouts ---- */

void layout_add(struct layout *l, const char *name, int rank, const int64_t *dim, double spread,
                double start)
{
    assert(l->count < NN_MAX_PARAMETERS);
    struct parameter *p = &l->parameter[l->count++];
    *p = (struct parameter){.rank = rank, .offset = l->numel, .count = 1, .places = 1};
    snprintf(p->name, sizeof p->name, "%s", name);
    for (int i = 0; i < rank; i++) {
        p->dim[i] = dim[i];
        p->count *= (size_t)dim[i];
    }
    p->spread = spread;
    p->start = start;
    l->numel += p->count;
}

/* Uniform in +-1 / sqrt(inputs), weights and biases: small enough for steps of tuning from there.
 */
static void add_linear(struct layout *l, const char *name, int64_t in, int64_t out)
{
    const double spread = 1 / sqrt((double)in);
    char full[40];
    snprintf(full, sizeof full, "%s.weight", name);
    layout_add(l, full, 2, (const int64_t[]){in, out}, spread, 0);
    snprintf(full, sizeof full, "%s.bias", name);
    layout_add(l, full, 1, &out, spread, 0);
}

static void layout_linear(const struct structure *s, struct layout *l)
{
    l->features = (size_t)(s->height * s->width * s->channels);
}

static void layout_mlp(const struct structure *s, struct layout *l)
{
    int64_t in = s->height * s->width * s->channels;
    for (int i = 0; i < s->layers; i++) {
        char name[24];
        snprintf(name, sizeof name, "layer%d", i + 1);
        add_linear(l, name, in, s->hidden[i]);
        in = s->hidden[i];
    }
    l->features = (size_t)in;
}

/* The head sees the inputs, all layers, and the kernel with each centre. The kernel takes the last
 * channel of each place. */
static void layout_kernel(const struct structure *s, struct layout *l)
{
    const int64_t places = s->height * s->width, centres[] = {s->hidden[0], places},
                  metrics[] = {NN_METRICS, places};
    int64_t in = places * s->channels;
    l->features = (size_t)(in + s->hidden[0]);
    for (int i = 1; i < s->layers; i++) {
        char name[24];
        snprintf(name, sizeof name, "layer%d", i);
        add_linear(l, name, in, s->hidden[i]);
        in = s->hidden[i];
        l->features += (size_t)in;
    }
    layout_add(l, "kernel.centres", 2, centres, 1, 0);
    layout_add(l, "kernel.metric", 2, metrics, 0, 1 / (double)places);
    layout_add(l, "kernel.amplitude", 1, metrics, 0, 1);
}

static void layout_conv4(const struct structure *s, struct layout *l)
{
    int64_t h = s->height, w = s->width, in = s->channels;
    for (int i = 0; i < s->layers; i++) {
        const int64_t out = s->hidden[i];
        char name[24];
        snprintf(name, sizeof name, "layer%d", i + 1);
        layout_convolution(l, name, (const int64_t[]){3, 3, in, out}, (size_t)(h * w));
        in = out;
        h /= 2;
        w /= 2;
    }
    l->features = (size_t)(h * w * in);
}

/* ---- forward ---- */

t2m_value layout_take(t2m_graph *g, const struct layout *l, t2m_value m, const char *name)
{
    for (size_t i = 0; i < l->count; i++) {
        const struct parameter *p = &l->parameter[i];
        if (strcmp(p->name, name) == 0)
            return t2m_reshape(g, t2m_slice(g, m, 0, (int64_t)p->offset, (int64_t)p->count),
                               p->rank, p->dim);
    }
    return t2m_graph_fail(g, "there is no tensor '%s'", name);
}

static t2m_value structure_take(t2m_graph *g, const struct structure *s, t2m_value m,
                                const char *name)
{
    struct layout l;
    structure_layout(s, &l);
    return layout_take(g, &l, m, name);
}

static t2m_value take(t2m_graph *g, const struct structure *s, t2m_value m, int layer,
                      const char *part)
{
    char name[32];
    snprintf(name, sizeof name, "layer%d.%s", layer + 1, part);
    return structure_take(g, s, m, name);
}

static t2m_value flat(t2m_graph *g, t2m_value x)
{
    const int64_t dim[] = {t2m_dim(g, x, 0), -1};
    return t2m_rank(g, x) == 2 ? x : t2m_reshape(g, x, 2, dim);
}

static t2m_value features_linear(t2m_graph *g, const struct structure *s, t2m_value m, t2m_value x,
                                 struct norm_use *norm)
{
    (void)s, (void)m, (void)norm;
    return flat(g, x);
}

static t2m_value features_mlp(t2m_graph *g, const struct structure *s, t2m_value m, t2m_value x,
                              struct norm_use *norm)
{
    (void)norm;
    t2m_value h = flat(g, x);
    for (int i = 0; i < s->layers; i++)
        h = t2m_relu(g, nn_linear(g, h, take(g, s, m, i, "weight"), take(g, s, m, i, "bias")));
    return h;
}

/* A way past every layer (Huang et al. 2017); tanh, so that far inputs stay bounded. */
static t2m_value features_kernel(t2m_graph *g, const struct structure *s, t2m_value m, t2m_value x,
                                 struct norm_use *norm)
{
    (void)norm;
    t2m_value h[NN_MAX_LAYERS + 1] = {flat(g, x)};
    for (int i = 1; i < s->layers; i++)
        h[i] = t2m_tanh(g, nn_linear(g, h[i - 1], take(g, s, m, i - 1, "weight"),
                                     take(g, s, m, i - 1, "bias")));
    h[s->layers] = nn_kernel(
        g, structure_last_channel(g, s, x), structure_take(g, s, m, "kernel.centres"),
        structure_take(g, s, m, "kernel.metric"), structure_take(g, s, m, "kernel.amplitude"));
    return t2m_concat(g, 1, h, (size_t)s->layers + 1);
}

t2m_value structure_last_channel(t2m_graph *g, const struct structure *s, t2m_value x)
{
    const int64_t places = s->height * s->width, split[] = {-1, places, s->channels},
                  rows[] = {-1, places};
    return t2m_reshape(g, t2m_slice(g, t2m_reshape(g, x, 3, split), 2, s->channels - 1, 1), 2,
                       rows);
}

/* Four blocks of convolution, norm, ReLU and pooling (Vinyals et al. 2016, section 4.1). */
static t2m_value features_conv4(t2m_graph *g, const struct structure *s, t2m_value m, t2m_value x,
                                struct norm_use *norm)
{
    struct convolutions c = {.g = g, .m = m, .norm = norm};
    structure_layout(s, &c.layout);
    for (int i = 0; i < s->layers; i++) {
        char name[24];
        snprintf(name, sizeof name, "layer%d", i + 1);
        t2m_scope(g, "conv4");
        x = t2m_relu(g, convolution_norm(&c, name, x, true));
        t2m_scope(g, NULL);
    }
    convolutions_end(&c);
    return flat(g, x);
}

/* ---- the table ---- */

static const struct {
    const char *name;
    int min_layers, max_layers, default_layers;
    int64_t default_width, most; /* most: of a width */
    bool images, dense;          /* dense: an answer for each pixel */
    void (*layout)(const struct structure *s, struct layout *l);
    t2m_value (*features)(t2m_graph *g, const struct structure *s, t2m_value m, t2m_value x,
                          struct norm_use *norm);
} kinds[NN_KINDS] = {
    [NN_LINEAR] = {"linear", 0, 0, 0, 0, 0, false, false, layout_linear, features_linear},
    [NN_MLP] = {"mlp", 1, NN_MAX_LAYERS, 2, 40, 4096, false, false, layout_mlp, features_mlp},
    [NN_KERNEL] = {"kernel", 1, NN_MAX_LAYERS, 1, 256, 4096, false, false, layout_kernel,
                   features_kernel},
    [NN_CONV4] = {"conv4", 4, 4, 4, 64, 4096, true, false, layout_conv4, features_conv4},
    [NN_RESNET] = {"resnet", 1, NN_MAX_LAYERS, 4, 64, 4096, true, false, resnet_layout,
                   resnet_features},
    [NN_UNET] = {"unet", 2, 6, 4, 16, 1024, true, true, unet_layout, unet_features},
    [NN_FCN] = {"fcn", 2, 6, 4, 16, 1024, true, true, fcn_layout, fcn_features},
    [NN_METRIC] = {"metric", 1, 1, 1, 64, 4096, false, false, metric_layout, metric_features},
    [NN_TEXT] = {"text", 3, 3, 3, 64, 1 << 17, false, false, text_layout, text_features},
};

bool structure_is_dense(const struct structure *s)
{
    return kinds[s->kind].dense;
}

int64_t structure_places(const struct structure *s)
{
    return kinds[s->kind].dense ? s->height * s->width : 1;
}

void structure_layout(const struct structure *s, struct layout *out)
{
    *out = (struct layout){0};
    kinds[s->kind].layout(s, out);
    out->body = out->numel;
    add_linear(out, "head", (int64_t)out->features, s->outputs);
    out->parameter[out->count - 2].places = (size_t)structure_places(s); /* the weight's */
}

void layout_start(const struct layout *l, struct random *r, float *m)
{
    for (size_t i = 0; i < l->count; i++) {
        const struct parameter *p = &l->parameter[i];
        for (size_t k = 0; k < p->count && !p->fill; k++)
            m[p->offset + k] =
                p->spread > 0 ? (float)random_uniform(r, -p->spread, p->spread) : (float)p->start;
        if (p->fill)
            p->fill(m + p->offset);
    }
}

t2m_value structure_features(t2m_graph *g, const struct structure *s, t2m_value m, t2m_value x,
                             struct norm_use *norm)
{
    norm->seen = (t2m_value){0};
    return kinds[s->kind].features(g, s, m, x, norm);
}

t2m_value structure_head(t2m_graph *g, const struct structure *s, t2m_value m, t2m_value features)
{
    return nn_linear(g, features, structure_take(g, s, m, "head.weight"),
                     structure_take(g, s, m, "head.bias"));
}

t2m_value structure_input(t2m_graph *g, const struct structure *s, const char *name, int64_t n)
{
    const int64_t image[] = {n, s->height, s->width, s->channels}, row[] = {n, s->channels};
    const bool is_image = s->height * s->width > 1;
    return t2m_input(g, name, is_image ? 4 : 2, is_image ? image : row);
}

size_t structure_macs(const struct structure *s)
{
    struct layout l;
    size_t sum = 0;
    structure_layout(s, &l);
    for (size_t i = 0; i < l.count; i++)
        if (l.parameter[i].rank > 1)
            sum += l.parameter[i].count * l.parameter[i].places;
    return sum;
}

size_t structure_activations(const struct structure *s)
{
    struct layout l;
    size_t sum = structure_input_size(s), pixels = 0;
    structure_layout(s, &l);
    for (size_t i = 0; i < l.count; i++)
        if (l.parameter[i].rank == 4)
            pixels += (size_t)l.parameter[i].dim[3] * l.parameter[i].places;
    for (int i = 0; i < s->layers && pixels == 0; i++)
        sum += (size_t)s->hidden[i];
    return sum + pixels;
}

size_t structure_input_size(const struct structure *s)
{
    return (size_t)(s->height * s->width * s->channels);
}

/* ---- text ---- */

static t2m_status bad_structure(t2m *lib, const char *text)
{
    return refuse(
        lib, T2M_EUSAGE,
        "unknown structure '%.60s': expected linear, mlp:WIDTH,... or kernel:CENTRES,WIDTH,... (1 "
        "to %d numbers of 1 to 4096), conv4:CHANNELS, resnet:CHANNELS,..., unet:WIDTH,... or "
        "fcn:WIDTH,... (2 to 6 numbers of 1 to 1024), text:WORDS,SLOTS,WIDTH or metric:WIDTH",
        text, NN_MAX_LAYERS);
}

t2m_status structure_parse(t2m *lib, const char *text, struct structure *out)
{
    const size_t name = strcspn(text, ":");
    int kind = 0;
    while (kind < NN_KINDS &&
           (strlen(kinds[kind].name) != name || strncmp(kinds[kind].name, text, name) != 0))
        kind++;
    if (kind == NN_KINDS)
        return bad_structure(lib, text);
    *out = (struct structure){.kind = (enum nn_kind)kind, .height = 1, .width = 1};
    for (const char *p = text + name; *p;) {
        char *end;
        const long width = strtol(p + 1, &end, 10);
        if (end == p + 1 || (*end && *end != ',') || width < 1 || width > kinds[kind].most ||
            out->layers == NN_MAX_LAYERS)
            return bad_structure(lib, text);
        out->hidden[out->layers++] = width;
        p = end;
    }
    const int want = kinds[kind].default_layers;
    if (out->layers == 0 ||
        (kinds[kind].min_layers == kinds[kind].max_layers && out->layers == 1)) {
        const int64_t width = out->layers ? out->hidden[0] : kinds[kind].default_width;
        out->layers = want;
        for (int i = 0; i < want; i++)
            out->hidden[i] = kinds[kind].dense ? width << i : width; /* each scale twice the last */
    }
    if (out->layers < kinds[kind].min_layers || out->layers > kinds[kind].max_layers)
        return bad_structure(lib, text);
    return T2M_OK;
}

/* One width stands for all layers where their number is fixed. */
void structure_text(const struct structure *s, char out[96])
{
    bool same = kinds[s->kind].min_layers == kinds[s->kind].max_layers;
    int at = snprintf(out, 96, "%s", kinds[s->kind].name);
    for (int i = 1; i < s->layers; i++)
        same = same && s->hidden[i] == s->hidden[0];
    for (int i = 0; i < (same ? s->layers > 0 : s->layers); i++)
        at +=
            snprintf(out + at, (size_t)(96 - at), "%c%lld", i ? ',' : ':', (long long)s->hidden[i]);
}

t2m_status structure_check(t2m *lib, const struct structure *s)
{
    if ((unsigned)s->kind >= NN_KINDS || s->layers < kinds[s->kind].min_layers ||
        s->layers > kinds[s->kind].max_layers || s->height < 1 || s->width < 1 || s->channels < 1 ||
        s->height > 1024 || s->width > 1024 || s->channels > 65536 || s->outputs < 1 ||
        s->outputs > 65536)
        return refuse(lib, T2M_EUSAGE, "this is not a possible structure");
    for (int i = 0; i < s->layers; i++)
        if (s->hidden[i] < 1 || s->hidden[i] > kinds[s->kind].most)
            return refuse(lib, T2M_EUSAGE, "a layer of %s has 1 to %lld units, not %lld",
                          kinds[s->kind].name, (long long)kinds[s->kind].most,
                          (long long)s->hidden[i]);
    const int64_t coarsest = (int64_t)1 << (s->layers > 0 ? s->layers - 1 : 0);
    if (kinds[s->kind].dense && (s->height % coarsest || s->width % coarsest))
        return refuse(lib, T2M_EUSAGE,
                      "%s of %d scales halves pictures %d times, which %lld x %lld pixels do not "
                      "allow",
                      kinds[s->kind].name, s->layers, s->layers - 1, (long long)s->height,
                      (long long)s->width);
    if (kinds[s->kind].dense && s->channels > NN_DENSE_CHANNELS)
        return refuse(lib, T2M_EUSAGE, "%s takes pictures of at most %d channels, not %lld",
                      kinds[s->kind].name, NN_DENSE_CHANNELS, (long long)s->channels);
    if (s->kind == NN_TEXT && (s->height != 1 || s->channels != NN_TEXT_CHANNELS))
        return refuse(lib, T2M_EUSAGE, "the structure text is for texts");
    const int64_t least = s->layers > 4 ? 1 << s->layers : 16; /* each layer halves it */
    if (kinds[s->kind].images && (s->height < least || s->width < least))
        return refuse(lib, T2M_EUSAGE, "%s needs images of at least %lld x %lld, not %lld x %lld",
                      kinds[s->kind].name, (long long)least, (long long)least, (long long)s->height,
                      (long long)s->width);
    return T2M_OK;
}
