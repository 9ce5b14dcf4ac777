/* test_base.c: memory, sizes, random numbers, text, threads. */
#include "check_few.h"

#include "base/text.h"
#include "engine/compute/pool.h"

#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

static void sizes(void **state)
{
    size_t n;
    (void)state;
    assert_false(size_mul(SIZE_MAX / 2, 3, &n));
    assert_false(size_add(SIZE_MAX, 1, &n));
    const int64_t good[] = {3, 0, 5}, negative[] = {3, -1}, huge[] = {1 << 30, 1 << 30, 1 << 30};
    assert_true(checked_numel(good, 3, 100, &n) && n == 0);
    assert_false(checked_numel(negative, 2, 100, &n));
    assert_false(checked_numel(huge, 3, SIZE_MAX, &n));
    assert_false(checked_numel(good, 9, 100, &n));
}

/* Known answers of Philox4x32-10 for a zero counter and key (Salmon et al. 2011, reference code).
 */
static void random_numbers(void **state)
{
    (void)state;
    struct random zero = {0};
    const uint32_t known[] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
    for (int i = 0; i < 4; i++)
        assert_int_equal(random_u32(&zero), known[i]);
    struct random a = random_stream(1, 2, 3), b = random_stream(1, 2, 3),
                  c = random_stream(1, 2, 4);
    const uint64_t first = random_u64(&a);
    assert_true(first == random_u64(&b) && first != random_u64(&c));
    double sum = 0, squares = 0;
    for (int i = 0; i < 20000; i++) {
        const double x = random_normal(&a);
        sum += x;
        squares += x * x;
    }
    assert_true(fabs(sum / 20000) < 0.03 && fabs(squares / 20000 - 1) < 0.05);
    size_t index[10];
    for (size_t i = 0; i < 10; i++)
        index[i] = i;
    random_choose(&a, index, 10, 10);
    unsigned seen = 0;
    for (size_t i = 0; i < 10; i++)
        seen |= 1u << index[i];
    assert_int_equal(seen, 1023);
}

static void text(void **state)
{
    static const struct {
        const char *text;
        bool number;
        double value;
    } number[] = {{"1.5", true, 1.5}, {" -2e3 ", true, -2000}, {".5", true, 0.5},
                  {"5.", true, 5},    {"", false, 0},          {".", false, 0},
                  {"1,5", false, 0},  {"nan", false, 0},       {"inf", false, 0},
                  {"0x10", false, 0}, {"1e", false, 0},        {"1e999", false, 0},
                  {"1 2", false, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof number / sizeof *number; i++) {
        double v = 0;
        assert_int_equal(text_number(number[i].text, strlen(number[i].text), &v), number[i].number);
        if (number[i].number)
            assert_true(v == number[i].value);
    }
    assert_int_equal(text_utf8_fault("a\xC3\xA4\xE2\x82\xAC", 6), 6);
    assert_int_equal(text_utf8_fault("ab\xC0\xAF", 4), 2);    /* overlong */
    assert_int_equal(text_utf8_fault("a\xED\xA0\x80", 4), 1); /* surrogate */
    assert_int_equal(text_utf8_fault("a\xE2\x82", 3), 1);     /* cut off */
    assert_int_equal(crc32c(0, "123456789", 9), 0xE3069283);
    assert_true(text_ends("A.PNG", ".png") && !text_ends("png", ".png"));
}

/* The n-th allocation fails, for every n: an error, no crash, and (under ASan) no leak. */
static void memory_runs_out(void **state)
{
    (void)state;
    for (size_t n = 0, done = 0; !done; n++) {
        t2m *lib = few_open(n);
        if (!lib)
            continue;
        t2m_graph *g = NULL;
        t2m_plan *plan = NULL;
        t2m_workspace *w = NULL;
        const int64_t dim[] = {4, 4};
        t2m_status status = t2m_graph_new(lib, &g);
        if (status == T2M_OK) {
            const t2m_value x = t2m_input(g, "x", 2, dim);
            const t2m_value y = t2m_sum_all(g, t2m_tanh(g, t2m_matmul(g, x, x)));
            const t2m_value gx = t2m_grad(g, y, x);
            status = t2m_compile(g, &x, 1, &gx, 1, NULL, &plan);
        }
        if (status == T2M_OK)
            status = t2m_workspace_new(plan, &w);
        assert_true(status == T2M_OK || status == T2M_ENOMEM);
        done = status == T2M_OK;
        t2m_workspace_free(w);
        t2m_plan_free(plan);
        t2m_graph_free(g);
        t2m_close(lib);
    }
}

static void add_job(void *ctx, size_t job, size_t worker)
{
    atomic_size_t *sum = ctx;
    (void)worker;
    atomic_fetch_add(sum, job + 1);
}

static void threads(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 8; n *= 2) {
        t2m *lib = check_open(NULL, n);
        for (size_t count = 0; count < 300; count += 7) {
            atomic_size_t sum = 0;
            pool_run(lib->pool, count, add_job, &sum);
            assert_int_equal(sum, count * (count + 1) / 2);
        }
        const pid_t child = fork();
        if (child == 0) { /* has no threads: works alone */
            atomic_size_t sum = 0;
            pool_run(lib->pool, 10, add_job, &sum);
            _exit(sum == 55 ? 0 : 1);
        }
        int status = 1;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        t2m_close(lib);
    }
}

/* The flags of the mapping that holds p, as /proc/self/smaps says; false: it does not. */
static bool mapping_flags(const void *p, char *line, int size)
{
    FILE *f = fopen("/proc/self/smaps", "re");
    bool inside = false, found = false;
    while (f && !found && fgets(line, size, f)) {
        unsigned long long start, end;
        if (sscanf(line, "%llx-%llx ", &start, &end) == 2)
            inside = start <= (uintptr_t)p && (uintptr_t)p < end;
        found = inside && strncmp(line, "VmFlags:", 8) == 0;
    }
    if (f)
        fclose(f);
    return found;
}

/* Large arrays ask for large pages (the flag hg), where the system has them. */
static void large_pages(void **state)
{
    enum { BYTES = 8 << 20 };
    char line[512];
    (void)state;
    if (access("/sys/kernel/mm/transparent_hugepage/enabled", R_OK) != 0)
        skip();
    t2m *lib = check_open(NULL, 1);
    char *p = mem_new(lib, BYTES, 1);
    if (mapping_flags(p + BYTES / 2, line, sizeof line))
        assert_non_null(strstr(line, " hg"));
    mem_free(lib, p);
    t2m_close(lib);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes),           cmocka_unit_test(large_pages),
        cmocka_unit_test(random_numbers),  cmocka_unit_test(text),
        cmocka_unit_test(memory_runs_out), cmocka_unit_test(threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
