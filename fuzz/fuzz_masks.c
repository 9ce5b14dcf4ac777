/* fuzz_masks.c: any bytes as a mask or as a list of classes: the first byte chooses, and the rules.
 */
#include "fuzz.h"

#include "files/masks_reading.h"

enum { LIST = 1, COLOURS = 2, WHOLE = 4 }; /* bits of the first byte */

/* What is read must hold together. */
static void check_list(const struct mask_list *list)
{
    for (size_t i = 0; i < list->classes; i++)
        if (list->class[i].id < 1 || list->class[i].id > 254 || !*list->class[i].name)
            abort();
    for (size_t i = 1; i < list->colours; i++)
        if (list->colour[i - 1].rgb >= list->colour[i].rgb)
            abort();
}

static void read_list(const struct bytes *file)
{
    struct mask_list list;
    struct arena a;
    arena_init(&a, fuzz_library());
    if (mask_list_read(&a, file, "fuzz.csv", &list) == T2M_OK)
        check_list(&list);
    arena_clear(&a);
}

static void read_label(const struct bytes *file, unsigned how)
{
    static const struct label_colour colour[] = {{0, 0}, {0x0000FF, 7}, {0xFF0000, 3}};
    const struct label_rules rules = {colour, how & COLOURS ? 3 : 0, how & WHOLE ? 9 : 0};
    struct label x;
    if (label_decode(fuzz_library(), file, "fuzz.png", &rules, &x) != T2M_OK)
        return;
    for (size_t i = 0; i < x.width * x.height; i++)
        if (rules.whole && x.ids[i] != 0 && x.ids[i] != rules.whole)
            abort();
    mem_free(fuzz_library(), x.ids);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
    if (n == 0)
        return 0;
    const struct bytes file = {(unsigned char *)(uintptr_t)data + 1, n - 1};
    if (data[0] & LIST)
        read_list(&file);
    else
        read_label(&file, data[0]);
    return 0;
}
