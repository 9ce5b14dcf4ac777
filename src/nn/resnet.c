/* resnet.c: `resnet:WIDTH,WIDTH,...`: each width is a residual block (He et al. 2016, "Deep
 * residual learning for image recognition", section 3) that halves the picture, as in the networks
 * of Oreshkin et al. 2018 ("TADAM", section 2) and Lee et al. 2019 ("Meta-learning with
 * differentiable convex optimization", section 4.1), but made for processors: a block has two
 * convolutions and pools after the first, so that the second costs a quarter; the way past them is
 * a mean of four pixels and a projection (He et al. 2019, "Bag of tricks", section 4.2, ResNet-D).
 * Features are the means of the last channels over the picture. */
#include "nn/nn.h"

#include <math.h>
#include <stdio.h>

/* Squared distances are up to twice its square: a class that is certain has a logit of some tens.
 */
static const double start_length = 3;
/* Steps of Adam are of one size for all numbers: the one that has far to go is kept divided by
 * this. */
static const double quick = 10;

static void part_name(int stage, const char *part, char out[32])
{
    snprintf(out, 32, "layer%d%s", stage + 1, part);
}

void resnet_layout(const struct structure *s, struct layout *l)
{
    const int64_t one = 1;
    int64_t h = s->height, w = s->width, in = s->channels;
    char name[32];
    for (int i = 0; i < s->layers; i++) {
        const int64_t out = s->hidden[i];
        part_name(i, "", name);
        layout_convolution(l, name, (const int64_t[]){3, 3, in, out}, (size_t)(h * w));
        h /= 2;
        w /= 2;
        part_name(i, ".second", name);
        layout_convolution(l, name, (const int64_t[]){3, 3, out, out}, (size_t)(h * w));
        part_name(i, ".skip", name);
        layout_convolution(l, name, (const int64_t[]){1, 1, in, out}, (size_t)(h * w));
        in = out;
    }
    layout_norm(l, "features", in);
    layout_add(l, "features.length", 1, &one, 0, log(start_length) / quick);
    l->features = (size_t)in;
}

static t2m_value block(struct convolutions *c, int stage, t2m_value x)
{
    t2m_graph *g = c->g;
    char name[32];
    part_name(stage, "", name);
    const t2m_value first = t2m_relu(g, convolution_norm(c, name, x, true));
    part_name(stage, ".second", name);
    const t2m_value second = convolution_norm(c, name, first, false);
    part_name(stage, ".skip", name);
    const t2m_value skip = convolution_norm(c, name, t2m_mean_pool(g, x, 2), false);
    return t2m_relu(g, t2m_add(g, second, skip));
}

t2m_value resnet_features(t2m_graph *g, const struct structure *s, t2m_value m, t2m_value x,
                          struct norm_use *norm)
{
    struct convolutions c = {.g = g, .m = m, .norm = norm};
    structure_layout(s, &c.layout);
    for (int i = 0; i < s->layers; i++) {
        t2m_scope(g, "resnet");
        x = block(&c, i, x);
        t2m_scope(g, NULL);
    }
    x = norm_alone(&c, "features", t2m_mean(g, x, 1, 2));
    convolutions_end(&c);
    const t2m_value log_length = layout_take(g, &c.layout, m, "features.length");
    return nn_to_length(g, x, t2m_exp(g, t2m_scale(g, quick, log_length)));
}
