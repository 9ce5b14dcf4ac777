/* test_pictures.c: PNG and JPEG of every kind become the pixels that they show; what is cut off is
 * refused. */
#include "check_picture.h"

/* Decodes and frees. */
static struct image decoded(t2m *lib, struct bytes file)
{
    struct image x = {0};
    if (image_decode(lib, &file, "a", &x) != T2M_OK)
        fail_msg("%s", t2m_errmsg(lib));
    free(file.data);
    return x;
}

static void assert_pixels(t2m *lib, struct image x, const char *want, size_t n)
{
    assert_int_equal(x.width * x.height * x.channels, n);
    assert_memory_equal(x.pixels, want, n);
    mem_free(lib, x.pixels);
}

/* ---- PNG ---- */

static void kinds_of_png(void **state)
{
    static const struct {
        struct check_png png;
        const char *want;
        size_t n;
    } row[] = {
        {{2, 1, PNG_COLOR_TYPE_GRAY, 1, "\0\1", {{0}}, 0, 0}, "\0\xFF", 2},
        {{2, 1, PNG_COLOR_TYPE_GRAY, 4, "\0\5", {{0}}, 0, 0}, "\0\x55", 2},
        {{2, 1, PNG_COLOR_TYPE_GRAY, 16, "\x80\x80\xFF\xFF", {{0}}, 0, 0}, "\x80\xFF", 2},
        {{1, 1, PNG_COLOR_TYPE_RGB, 16, "\1\1\2\2\3\3", {{0}}, 0, 0}, "\1\2\3", 3},
        {{2, 1, PNG_COLOR_TYPE_PALETTE, 2, "\1\0", {{1, 2, 3}, {4, 5, 6}}, 2, 0},
         "\4\5\6\1\2\3",
         6},
        {{2, 1, PNG_COLOR_TYPE_GRAY_ALPHA, 8, "\7\xFF\7\0", {{0}}, 0, 0}, "\7\xFF", 2},
        {{1, 1, PNG_COLOR_TYPE_RGB_ALPHA, 8, "\7\7\7\0", {{0}}, 0, 0}, "\xFF\xFF\xFF", 3},
        {{2, 2, PNG_COLOR_TYPE_GRAY, 8, "\1\2\3\4", {{0}}, 0, PNG_INTERLACE_ADAM7}, "\1\2\3\4", 4},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        assert_pixels(*state, decoded(*state, check_png(&row[i].png)), row[i].want, row[i].n);
}

/* Each chunk has the checksum of PNG, appendix D. */
static void add_chunk(struct bytes *x, size_t at, const char *body, size_t n)
{
    unsigned char chunk[64] = {0, 0, 0, (unsigned char)(n - 4)};
    uint32_t sum = 0xFFFFFFFF;
    memcpy(chunk + 4, body, n);
    for (size_t i = 0; i < n; i++) {
        sum ^= chunk[4 + i];
        for (int k = 0; k < 8; k++)
            sum = sum >> 1 ^ (sum & 1 ? 0xEDB88320 : 0);
    }
    for (size_t i = 0; i < 4; i++)
        chunk[4 + n + i] = (unsigned char)(~sum >> (24 - 8 * i));
    check_insert(x, at, chunk, n + 8);
}

static void first_of_a_moving_picture(void **state)
{
    enum { AFTER_HEADER = 33, END = 12 };
    static const char control[] = "acTL\0\0\0\2\0\0\0\0",
                      frame[] = "fcTL\0\0\0\0\0\0\0\2\0\0\0\2\0\0\0\0\0\0\0\0\0\1\0\1\0\0",
                      data[] = "fdAT\0\0\0\2\x78\x9C\1\2\3";
    struct bytes x = check_grey("\1\2\3\4");
    add_chunk(&x, AFTER_HEADER, frame, sizeof frame - 1);
    add_chunk(&x, AFTER_HEADER, control, sizeof control - 1);
    add_chunk(&x, x.length - END, data, sizeof data - 1);
    assert_pixels(*state, decoded(*state, x), "\1\2\3\4", 4);
}

static void refuses_each_length(t2m *lib, struct bytes x)
{
    struct image out;
    for (size_t n = 0; n < x.length; n++) {
        struct bytes part = {malloc(n + 1), n};
        memcpy(part.data, x.data, n);
        if (image_decode(lib, &part, "a", &out) != T2M_EDATA)
            fail_msg("%zu of %zu bytes are read", n, x.length);
        free(part.data);
    }
    free(x.data);
}

static void cut_off(void **state)
{
    static const unsigned char pixels[16 * 16] = {1, 200, 3};
    refuses_each_length(*state, check_grey("\1\2\3\4"));
    struct bytes jpeg = check_jpeg(pixels, 16, 16, TJPF_GRAY, 0);
    jpeg.length -= 2; /* without the end mark the pixels are all there */
    refuses_each_length(*state, jpeg);
}

/* ---- JPEG ---- */

static void progressive(void **state)
{
    unsigned char pixels[16 * 16 * 3];
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (unsigned char)(i % 3 * 100);
    const struct image plain = decoded(*state, check_jpeg(pixels, 16, 16, TJPF_RGB, 0));
    const struct image x =
        decoded(*state, check_jpeg(pixels, 16, 16, TJPF_RGB, TJFLAG_PROGRESSIVE));
    assert_memory_equal(x.pixels, plain.pixels, sizeof pixels);
    for (size_t i = 0; i < sizeof pixels; i++)
        assert_in_range(x.pixels[i] + 3, pixels[i], pixels[i] + 6);
    mem_free(*state, x.pixels);
    mem_free(*state, plain.pixels);
}

static void assert_one_colour(t2m *lib, struct image x, int red, int green, int blue)
{
    assert_int_equal(x.channels, 3);
    for (size_t i = 0; i < x.width * x.height; i++) {
        assert_in_range(x.pixels[3 * i] + 3, red, red + 6);
        assert_in_range(x.pixels[3 * i + 1] + 3, green, green + 6);
        assert_in_range(x.pixels[3 * i + 2] + 3, blue, blue + 6);
    }
    mem_free(lib, x.pixels);
}

static void inks(void **state)
{
    unsigned char pixels[8 * 8 * 4];
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (unsigned char[]){255, 100, 0, 128}[i % 4];
    assert_one_colour(*state, decoded(*state, check_jpeg(pixels, 8, 8, TJPF_CMYK, 0)), 128, 50, 0);

    /* Inks that are called by their names, not by luminance: 0, 128, 128 are those of white then.
     */
    memset(pixels, 255, sizeof pixels);
    struct bytes x = check_jpeg(pixels, 8, 8, TJPF_CMYK, 0);
    unsigned char *adobe = memmem(x.data, x.length, "Adobe", 5);
    assert_non_null(adobe);
    adobe[11] = 0; /* the transform */
    assert_one_colour(*state, decoded(*state, x), 0, 128, 128);
}

/* ---- orientation ---- */

/* Blocks of 8 x 8 in six greys, as JPEG keeps them exactly. */
static struct bytes blocks(void)
{
    unsigned char pixels[24 * 16];
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (unsigned char)(40 * (i / 24 / 8 * 3 + i % 24 / 8));
    return check_jpeg(pixels, 24, 16, TJPF_GRAY, 0);
}

/* Right after the mark of the file, in either byte order. */
static struct bytes with_exif(struct bytes x, int orientation, bool little)
{
    unsigned char big[] = "\xFF\xE1\0\x22"
                          "Exif\0\0"
                          "MM\0*\0\0\0\10"
                          "\0\1"
                          "\1\x12\0\3\0\0\0\1\0\0\0\0"
                          "\0\0\0\0";
    unsigned char small[] = "\xFF\xE1\0\x22"
                            "Exif\0\0"
                            "II*\0\10\0\0\0"
                            "\1\0"
                            "\x12\1\3\0\1\0\0\0\0\0\0\0"
                            "\0\0\0\0";
    big[29] = small[28] = (unsigned char)orientation;
    check_insert(&x, 2, little ? small : big, 36);
    return x;
}

/* What jpegtran makes of it. */
static struct bytes turned(struct bytes x, int op)
{
    unsigned char *data = NULL;
    unsigned long n = 0;
    tjtransform t = {.op = op};
    tjhandle tj = tjInitTransform();
    assert_int_equal(tjTransform(tj, x.data, x.length, 1, &data, &n, &t, 0), 0);
    tjDestroy(tj);
    free(x.data);
    struct bytes out = {malloc(n), n};
    memcpy(out.data, data, n);
    tjFree(data);
    return out;
}

static void upright(void **state)
{
    static const int op[9] = {TJXOP_NONE,   TJXOP_NONE,       TJXOP_HFLIP,
                              TJXOP_ROT180, TJXOP_VFLIP,      TJXOP_TRANSPOSE,
                              TJXOP_ROT90,  TJXOP_TRANSVERSE, TJXOP_ROT270};
    for (int i = 0; i <= 9; i++) /* 0 and 9 are none: nothing is turned */
        for (int little = 0; little < 2; little++) {
            const struct image x = decoded(*state, with_exif(blocks(), i, little)),
                               want = decoded(*state, turned(blocks(), op[i % 9]));
            assert_int_equal(x.width, want.width);
            assert_int_equal(x.height, want.height);
            assert_memory_equal(x.pixels, want.pixels, x.width * x.height);
            mem_free(*state, x.pixels);
            mem_free(*state, want.pixels);
        }
}

/* Wherever the block of EXIF is damaged, the picture is read. */
static void damaged_exif(void **state)
{
    enum { SIZE = 36 };
    for (size_t at = 4; at < SIZE; at++)
        for (int little = 0; little < 2; little++) {
            struct bytes x = with_exif(blocks(), 6, little);
            x.data[2 + at] ^= 0xFF;
            mem_free(*state, decoded(*state, x).pixels);
        }
    for (unsigned char n = 2; n < SIZE - 2; n++) { /* shorter and shorter */
        struct bytes x = with_exif(blocks(), 6, true);
        memmove(x.data + 4 + n, x.data + 2 + SIZE, x.length - 2 - SIZE);
        x.length -= (size_t)(SIZE - 2 - n);
        x.data[5] = n;
        mem_free(*state, decoded(*state, x).pixels);
    }
}

/* ---- scaling ---- */

/* Means are rounded to bytes once; drawings are turned as bytes; numbers are of these bytes. */
static void scaled(void **state)
{
    static unsigned char dark[] = {0, 255, 10, 13}, bright[] = {255, 255, 200, 201};
    const struct image x[] = {{4, 1, 1, dark}, {4, 1, 1, bright}};
    static const unsigned char want[2][2][2] = {{{128, 12}, {128, 12}}, {{255, 201}, {0, 54}}};
    (void)state;
    for (int i = 0; i < 2; i++)
        for (int turned = 0; turned < 2; turned++) {
            unsigned char bytes[2];
            float y[2], z[2];
            (turned ? image_bytes : image_bytes_as)(&x[i], 1, 2, 1, bytes);
            (turned ? image_scale : image_scale_as)(&x[i], 1, 2, 1, y);
            assert_memory_equal(bytes, want[i][turned], 2);
            image_numbers(bytes, 2, z);
            assert_memory_equal(y, z, sizeof y);
            assert_true(y[0] == (float)(bytes[0] / 255.0));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_of_png), cmocka_unit_test(first_of_a_moving_picture),
        cmocka_unit_test(cut_off),      cmocka_unit_test(progressive),
        cmocka_unit_test(inks),         cmocka_unit_test(upright),
        cmocka_unit_test(damaged_exif), cmocka_unit_test(scaled)};
    return cmocka_run_group_tests(tests, check_setup, check_teardown);
}
