/* test_mask_known.c: what tasks of pictures with masks are like: t in closed form, the tasks that a
 * learner keeps, and which new ones are unlike them. */
#include "check_masks.h"

#include "mapping/doors.h"
#include "task/mask_statistics.h"

enum { SIDE = 16, PLACES = SIDE * SIDE, INPUT = 3 * PLACES, PICTURES = 2 };

/* ---- t ---- */

struct pixels {
    float x[PICTURES * INPUT], y[PICTURES * PLACES];
    struct mask_task task;
};

/* Class 1 fills the upper left quarter of each picture in 3/4 red, the rest is 1/4 grey; class 2
 * some columns on the right of the second picture. */
static void draw_pixels(struct pixels *p)
{
    for (size_t i = 0; i < PICTURES * PLACES; i++) {
        const size_t row = i / SIDE % SIDE, column = i % SIDE;
        const bool in = row < SIDE / 2 && column < SIDE / 2;
        for (size_t k = 0; k < 3; k++)
            p->x[3 * i + k] = in ? (k == 0 ? 0.75F : 0) : 0.25F;
        p->y[i] = in ? 1 : i >= PLACES && column >= 12 ? 2 : 0;
    }
    p->task = (struct mask_task){p->x, p->y, PICTURES, SIDE, SIDE, 3, 1};
}

static void assert_near(double got, double want)
{
    if (!(fabs(got - want) < 1e-5))
        fail_msg("%g, not %g", got, want);
}

static void numbers_by_hand(void **state)
{
    static struct pixels p;
    float t[MASK_T];
    (void)state;
    draw_pixels(&p);
    mask_statistics(&p.task, t);
    const double pixels = PICTURES * PLACES, spread = sqrt((64 - 1) / 12.0) / SIDE;
    const double want[MASK_T] = {log((pixels / 4 + 0.5) / (pixels * 3 / 4 + 0.5)),
                                 0.25,
                                 0.25,
                                 log(0.01),
                                 log(0.01),
                                 0.75,
                                 0,
                                 log(0.01),
                                 log(0.01),
                                 -0.375,
                                 0,
                                 log(0.01),
                                 log(0.01),
                                 log(0.01),
                                 log(0.01),
                                 log(0.01),
                                 log(0.1 + sqrt(0.75 * 0.75 + 0.375 * 0.375) / 0.01),
                                 log(1 + PICTURES * SIDE) - 0.5 * log(1 + pixels / 4),
                                 0.25,
                                 spread,
                                 0.25,
                                 spread};
    for (int k = 0; k < MASK_T; k++)
        assert_near((double)t[k], want[k]);
    for (size_t i = 0; i < INPUT; i += 3) /* a brighter pixel in each row: texture, and spread */
        p.x[i] += i / 3 % SIDE == 1 ? 0.3F : 0;
    mask_statistics(&p.task, t);
    assert_true((double)t[13] > want[13] + 0.5 && (double)t[3] > want[3] + 0.5);
}

/* Neither order matters; what is not known has no part, and a class without pixels neither. */
static void what_does_not_matter(void **state)
{
    static struct pixels p, q;
    float t[MASK_T], u[MASK_T];
    (void)state;
    draw_pixels(&p);
    draw_pixels(&q);
    p.task.classes = q.task.classes = 2;
    for (size_t i = 0; i < PICTURES * PLACES; i++) {
        const size_t from = (i + PLACES) % (PICTURES * PLACES);
        memcpy(q.x + 3 * i, p.x + 3 * from, 3 * sizeof *q.x);
        q.y[i] = p.y[from] > 0 ? 3 - p.y[from] : 0;
    }
    mask_statistics(&p.task, t);
    mask_statistics(&q.task, u);
    for (int k = 0; k < MASK_T; k++)
        assert_near((double)t[k], (double)u[k]);
    q.task.classes = 3;
    mask_statistics(&q.task, u);
    for (int k = 0; k < MASK_T; k++)
        assert_near((double)t[k], (double)u[k]);
    p.task.classes = 1;
    for (size_t i = 0; i < SIDE; i++) { /* the last row is anything, and not known */
        p.y[PLACES - 1 - i] = -1;
        p.x[INPUT - 1 - i] = 0.9F;
    }
    mask_statistics(&p.task, t);
    draw_pixels(&q);
    for (size_t i = 0; i < SIDE; i++)
        q.y[PLACES - 1 - i] = -1;
    mask_statistics(&q.task, u);
    assert_memory_equal(t, u, sizeof t);
    for (size_t i = 0; i < PICTURES * PLACES; i++)
        q.y[i] = -1;
    mask_statistics(&q.task, u);
    for (int k = 0; k < MASK_T; k++)
        assert_true(u[k] == 0);
}

static void one_channel(void **state)
{
    static struct pixels p;
    float t[MASK_T];
    (void)state;
    draw_pixels(&p);
    for (size_t i = 0; i < PICTURES * PLACES; i++)
        p.x[i] = p.y[i] == 1 ? 0.9F : 0.2F;
    p.task.channels = 1;
    mask_statistics(&p.task, t);
    assert_near((double)t[1], 0.9);
    assert_near((double)t[2], 0.2);
    assert_true(t[5] == 0 && t[6] == 0 && t[9] == 0 && t[10] == 0);
}

/* ---- learners ---- */

static t2m_learner *learn(t2m *lib, const t2m_family *f, const char *method)
{
    t2m_train_options o = check_mask_training(method, "unet:2,4");
    t2m_learner *l = NULL;
    o.steps = 2;
    o.ways = 1;
    if (t2m_train(lib, &l, f, &o, NULL) != T2M_OK)
        fail_msg("%s: %s", method, t2m_errmsg(lib));
    return l;
}

/* A drawn task beside those of the learner; changed: in other colours. */
static t2m_likeness likeness_of(t2m_learner *l, const t2m_family *f, uint64_t seed, bool changed)
{
    t2m_task *task;
    t2m_likeness like;
    float *t;
    size_t n;
    assert_int_equal(t2m_task_draw(l, &task, f, 1, 2, seed), T2M_OK);
    for (size_t i = 0; changed && i < task->n * task->input; i++)
        task->x[i] = i % 3 == 1 ? 1 : 0.5F * task->x[i];
    assert_int_equal(t2m_task_vector(l, task, &t, &n), T2M_OK);
    assert_int_equal(n, MASK_T);
    assert_int_equal(t2m_task_likeness(l, t, n, &like), T2M_OK);
    t2m_free(l->lib, t);
    t2m_task_free(task);
    return like;
}

/* Of every method; the same from a file, without them as well. There are so few tasks that some
 * others are farther than all by chance. */
static void tasks_of_the_training(void **state)
{
    static const char *const method[] = {"ridge", "protonet", "maml"};
    t2m_family *f = check_masks(*state, SIDE);
    for (size_t i = 0; i < sizeof method / sizeof *method; i++) {
        t2m_learner *l = learn(*state, f, method[i]), *again = NULL;
        t2m_likeness like = {0}, same;
        size_t unlike = 0;
        for (uint64_t seed = 0; seed < 20; seed++) {
            like = likeness_of(l, f, seed, false);
            unlike += like.unlike;
            assert_true(likeness_of(l, f, seed, true).unlike);
        }
        assert_true(unlike <= 6 && like.nearest > 0 && strncmp(like.name[0], "class", 5) == 0);
        assert_int_equal(t2m_learner_save(l, check_path("known"), true), T2M_OK);
        assert_int_equal(t2m_learner_open(*state, &again, check_path("known")), T2M_OK);
        same = likeness_of(again, f, 19, false);
        assert_true(same.percentile == like.percentile && same.distance[0] == like.distance[0]);
        t2m_learner_free(again);
        const size_t known = l->known;
        l->known = 0; /* as those had none that were made before */
        assert_int_equal(t2m_learner_save(l, check_path("known"), true), T2M_OK);
        l->known = known;
        assert_int_equal(t2m_learner_open(*state, &again, check_path("known")), T2M_OK);
        const float t[MASK_T] = {0};
        assert_int_equal(t2m_task_likeness(again, t, MASK_T, &same), T2M_EUSAGE);
        check_says(*state, "keeps no tasks of its training");
        t2m_learner_free(again);
        t2m_learner_free(l);
    }
    t2m_family_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_by_hand), cmocka_unit_test(what_does_not_matter),
        cmocka_unit_test(one_channel), cmocka_unit_test(tasks_of_the_training)};
    return cmocka_run_group_tests(tests, check_files_setup, check_files_teardown);
}
