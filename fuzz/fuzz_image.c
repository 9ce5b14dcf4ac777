/* fuzz_image.c: any bytes as a picture. */
#include "fuzz.h"

#include "files/image.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
    struct image x;
    float out[8 * 9 * 3];
    const struct bytes file = {(unsigned char *)(uintptr_t)data, n};
    t2m *lib = fuzz_library();
    if (image_decode(lib, &file, "fuzz.png", &x) == T2M_OK) {
        image_scale(&x, 8, 9, 1, out);
        if (x.width * x.height < 1 << 16)
            image_scale(&x, 8, 9, 3, out);
        mem_free(lib, x.pixels);
    }
    return 0;
}
